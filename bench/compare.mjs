/** Two sides take turns on an idle machine; the middle of their ratios is the result. */
import { idle, MOST_LOAD, measure, median } from './measure.mjs';

/** For trying the scripts on a busy machine. */
const ANYWAY = !!process.env.BENCH_ANYWAY;
const MOST_TRIES = 2;

/** The machine was busy: there is nothing to report. */
export class Busy extends Error {}

/**
 * @param {object} comparison
 * @param {string} comparison.work what is done
 * @param {string} comparison.against what it is compared with
 * @param {number} [comparison.aim] largest ratio, or difference in seconds
 * @param {'ratio' | 'times' | 'difference'} [comparison.unit] ours / theirs, theirs / ours, ours - theirs
 * @param {number} comparison.runs
 * @param {string[] | string[][]} comparison.ours a command, or several that run one after the other
 * @param {string[] | string[][]} comparison.theirs
 * @param {() => unknown} [comparison.before] before both sides of a run, not measured: removes what a run makes
 * @param {(run: number) => unknown} [comparison.check] after both sides of a run, not measured: throws when an output is
 *   wrong
 * @param {number} [comparison.mostMB] memory that ours may take
 */
export async function compare({ runs, ours, theirs, before = () => {}, check = () => {}, ...rest }) {
  const [a, b] = [[], []];
  console.error(`${rest.work} / ${rest.against}`);
  for (let run = 0; run < runs; run++) {
    // Neither side is always the first one after the preparation.
    const order = run % 2 ? [theirs, ours] : [ours, theirs];
    const [first, second] = await quietly(before, order);
    a.push(run % 2 ? second : first);
    b.push(run % 2 ? first : second);
    await check(run);
  }
  const row = { ...rest, ours: middle(a), theirs: middle(b), value: ratioOf(rest.unit ?? 'ratio', a, b) };
  console.error(`  ${sentence(row)}`);
  return row;
}

/** One side alone. */
export async function alone({ runs, ours, before = () => {}, check = () => {}, ...rest }) {
  const results = [];
  for (let run = 0; run < runs; run++) {
    results.push(...(await quietly(before, [ours])));
    await check();
  }
  const row = { ...rest, ours: middle(results) };
  console.error(`${row.work}: ${row.ours.seconds.toFixed(2)} s, ${row.ours.peakMB.toFixed(0)} MB`);
  return row;
}

/** The sides of one run; all of them again when others disturbed one, and an error when they do not stop. */
async function quietly(before, sides) {
  for (let tries = 0; ; tries++) {
    await before();
    const results = [];
    for (const commands of sides) {
      if (!ANYWAY && !(await idle())) throw new Busy('others keep the machine busy');
      results.push(await steps(commands));
    }
    const disturbed = results.find(({ others }) => others > MOST_LOAD);
    if (ANYWAY || !disturbed) return results;
    if (tries === MOST_TRIES) throw new Busy(`others used ${disturbed.others.toFixed(2)} CPUs during a run`);
    console.error(`  others used ${disturbed.others.toFixed(2)} CPUs: once more`);
  }
}

/** A command, or several that run one after the other. */
async function steps(commands) {
  const list = typeof commands[0] === 'string' ? [commands] : commands;
  const results = [];
  for (const argv of list) results.push(await measure(argv));
  const sum = (name) => results.reduce((total, result) => total + result[name], 0);
  return {
    seconds: sum('seconds'),
    cpu: sum('cpu'),
    peakMB: Math.max(...results.map(({ peakMB }) => peakMB)),
    others: results.reduce((total, { others, seconds }) => total + others * seconds, 0) / sum('seconds'),
  };
}

function middle(results) {
  return {
    seconds: median(results.map(({ seconds }) => seconds)),
    cpu: median(results.map(({ cpu }) => cpu)),
    peakMB: Math.max(...results.map(({ peakMB }) => peakMB)),
  };
}

function ratioOf(unit, ours, theirs) {
  const pairs = ours.map(({ seconds }, i) => [seconds, theirs[i].seconds]);
  if (unit === 'difference') return median(pairs.map(([a, b]) => a - b));
  return median(pairs.map(([a, b]) => (unit === 'times' ? b / a : a / b)));
}

function sentence({ ours, theirs, value, unit = 'ratio', aim }) {
  const met = aim === undefined ? '' : isMet({ unit, value, aim }) ? ', aim met' : `, aim ${aim}`;
  return `${ours.seconds.toFixed(2)} s to ${theirs.seconds.toFixed(2)} s: ${value.toFixed(2)}${met}`;
}

export function isMet({ unit, value, aim }) {
  return unit === 'times' ? value >= aim : value <= aim;
}

/** A Markdown table. */
export function tableOf(rows) {
  const words = { ratio: '', times: ' times', difference: ' s more' };
  const lines = rows.map(({ work, against, ours, theirs, value, unit = 'ratio', aim, mostMB }) => {
    const result = value === undefined ? '' : `**${value.toFixed(2)}**${words[unit]}`;
    const wanted = aim === undefined ? '' : `${aim}${isMet({ unit, value, aim }) ? '' : ' (missed)'}`;
    const memory = `${ours.peakMB.toFixed(0)} MB${mostMB ? ` (at most ${mostMB}${ours.peakMB > mostMB ? ': too much' : ''})` : ''}`;
    const digits = ours.seconds < 1 ? 3 : 2;
    const other = theirs ? `${theirs.seconds.toFixed(digits)} s, ${theirs.cpu.toFixed(digits)} s CPU` : '';
    return [
      work,
      `${ours.seconds.toFixed(digits)} s, ${ours.cpu.toFixed(digits)} s CPU`,
      memory,
      against ?? '',
      other,
      result,
      wanted,
    ];
  });
  const head = ['work', 'pcam', 'its peak memory', 'against', 'time', 'result', 'aim'];
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
