/** Which patches of a split the grid shows, and in which order: filters over the columns, then a sort. */
import type { ViewState } from './address.js';
import type { Column, Columns, SplitState } from './server.js';

/** A score this close to 0 or 1 is a confident one; one this close to 0.5 is not. */
const CONFIDENT = 0.05;
const UNCERTAIN = 0.1;

/** A score of 0.5 or more says tumor, as `pcam score` counts by default. */
export function isWrong(score: number, label: number): boolean {
  return Number(score >= 0.5) !== label;
}

/** The column that a filter or an order needs, so that it can be offered only where it is there. */
export const NEEDS: Record<string, readonly string[]> = {
  'label=1': ['label'],
  'label=0': ['label'],
  'copies=unique': ['first'],
  'copies=repeated': ['copies'],
  'copies=conflicting': ['conflicting'],
  'colour=uniform': ['uniform'],
  'colour=tissue': ['tissue'],
  'score=wrong': ['score', 'label'],
  'score=confident': ['score'],
  'score=uncertain': ['score'],
  questionable: ['slide'],
};

/** Compiles one filter, such as `label=1`; undefined while a column that it needs is missing. */
async function compile(filter: string, columns: Columns, split: SplitState) {
  const needed = NEEDS[filter] ?? [];
  if (!needed.every((name) => split.columns.includes(name))) return undefined;
  const values: Record<string, Column> = {};
  for (const name of needed) values[name] = await columns.read(name);
  const { label, first, copies, conflicting, uniform, tissue, score, slide } = values;
  const tests: Record<string, (index: number) => boolean> = {
    'label=1': (i) => label![i] === 1,
    'label=0': (i) => label![i] === 0,
    'copies=unique': (i) => first![i] === i,
    'copies=repeated': (i) => copies![i]! > 1,
    'copies=conflicting': (i) => conflicting![i] === 1,
    'colour=uniform': (i) => uniform![i]! > 0,
    'colour=tissue': (i) => tissue![i]! >= 0.5,
    'score=wrong': (i) => isWrong(score![i]!, label![i]!),
    'score=confident': (i) => Math.min(score![i]!, 1 - score![i]!) <= CONFIDENT,
    'score=uncertain': (i) => Math.abs(score![i]! - 0.5) <= UNCERTAIN,
    questionable: questionableSlides(slide, split),
  };
  return tests[filter];
}

function questionableSlides(
  slide: Column | undefined,
  { questionable }: SplitState,
): (index: number) => boolean {
  const numbers = new Set(questionable);
  return (i) => numbers.has(slide![i]!);
}

/** Indices of the patches in the order in which they are shown. */
export async function choose(state: ViewState, columns: Columns, split: SplitState): Promise<Uint32Array> {
  const tests: ((index: number) => boolean)[] = [];
  for (const name of ['label', 'copies', 'colour', 'score'] as const) {
    const test = state[name] === '' ? undefined : await compile(`${name}=${state[name]}`, columns, split);
    if (test) tests.push(test);
  }
  const questionable = state.questionable ? await compile('questionable', columns, split) : undefined;
  if (questionable) tests.push(questionable);
  const slide = state.slide === '' ? -1 : (split.slides?.indexOf(state.slide) ?? -1);
  if (slide >= 0) {
    const slides = await columns.read('slide');
    tests.push((i) => slides[i] === slide);
  }
  const all =
    split.chosen === null
      ? Uint32Array.from({ length: split.count }, (_, i) => i)
      : await columns.read('chosen');
  const kept = tests.length === 0 ? all : all.filter((i: number) => tests.every((test) => test(i)));
  return sort(Uint32Array.from(kept), state.order, columns, split);
}

async function sort(
  kept: Uint32Array,
  order: string,
  columns: Columns,
  split: SplitState,
): Promise<Uint32Array> {
  const name = order.replace(/^-/, '');
  if (name === 'file') return order === 'file' ? kept : kept.reverse();
  if (!split.columns.includes(name)) return kept;
  const values = await columns.read(name);
  const sign = order.startsWith('-') ? -1 : 1;
  return kept.sort((a, b) => sign * (values[a]! - values[b]!) || a - b);
}

/** How many patches each filter would leave alone, for the counts beside them. */
export async function countAll(
  filters: readonly string[],
  columns: Columns,
  split: SplitState,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  const all = split.chosen === null ? undefined : await columns.read('chosen');
  const total = all?.length ?? split.count;
  for (const filter of filters) {
    const test = await compile(filter, columns, split);
    if (!test) continue;
    let n = 0;
    for (let i = 0; i < total; i++) n += Number(test(all ? all[i]! : i));
    counts.set(filter, n);
  }
  return counts;
}
