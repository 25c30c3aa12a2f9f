/** Which of the selected patches a sheet shows, and in which order. */
import { Random } from '../../core/index.js';
import type { SplitName } from '../../manifest/index.js';
import type { ListedPatch } from '../../selection/index.js';

/** The selected patches of a split, with their labels and slides. */
export interface Candidates {
  readonly split: SplitName;
  readonly indices: Uint32Array;
  labelOf(index: number): 0 | 1 | null;
  /** `null` where the split has no meta CSV. */
  slideOf(index: number): string | null;
}

export interface Choice {
  readonly split: SplitName;
  readonly index: number;
  readonly label: 0 | 1 | null;
}

/** The stream of random numbers: another one than those of the selection. */
const STREAM = 0x5ee7;

/** The first patches of each split in the order of its selection; the splits get equal shares. */
export function firstOf(candidates: readonly Candidates[], count: number): Choice[] {
  const shares = candidates.map(() => 0);
  for (let left = count; left > 0; ) {
    const before = left;
    for (const [i, { indices }] of candidates.entries()) {
      if (left === 0 || shares[i] === indices.length) continue;
      shares[i]!++;
      left--;
    }
    if (left === before) break;
  }
  return candidates.flatMap(({ split, indices, labelOf }, i) =>
    [...indices.subarray(0, shares[i])].map((index) => ({ split, index, label: labelOf(index) })),
  );
}

/** The candidates that a file of indices lists, in the order of the file. */
export function asListed(
  candidates: readonly Candidates[],
  listed: readonly ListedPatch[],
  count: number,
): Choice[] {
  const bySplit = new Map(candidates.map((of) => [of.split, { of, selected: new Set(of.indices) }]));
  const choices: Choice[] = [];
  for (const { split, index } of listed) {
    if (choices.length === count) break;
    const known = bySplit.get(split);
    if (known?.selected.has(index)) choices.push({ split, index, label: known.of.labelOf(index) });
  }
  return choices;
}

/**
 * Half positive and half negative patches as far as there are, from as many slides and splits as possible, in a
 * random order: the same ones for the same seed.
 */
export function spreadOf(candidates: readonly Candidates[], count: number, seed: number): Choice[] {
  const random = new Random(seed, STREAM);
  const labels = [1, 0, null] as const;
  const queues = labels.map((label) => inTurns(candidates.map((of) => slidesInTurns({ of, label, random }))));
  const chosen: Choice[] = [];
  const open = new Set(queues);
  while (chosen.length < count && open.size > 0) {
    for (const queue of open) {
      if (chosen.length === count) break;
      const { value, done } = queue.next();
      if (done) open.delete(queue);
      else chosen.push(value);
    }
  }
  random.shuffle(chosen);
  return chosen;
}

/** Round robin over iterators, until all are exhausted. */
function* inTurns<T>(queues: readonly Iterator<T>[]): Generator<T, void, void> {
  let open = [...queues];
  while (open.length > 0) {
    const left: Iterator<T>[] = [];
    for (const queue of open) {
      const { value, done } = queue.next();
      if (done) continue;
      yield value;
      left.push(queue);
    }
    open = left;
  }
}

interface Turns {
  of: Candidates;
  label: 0 | 1 | null;
  random: Random;
}

/** The patches of a split with a label, round robin over its slides: slides and patches of each in random order. */
function* slidesInTurns({ of, label, random }: Turns): Generator<Choice, void, void> {
  const bySlide = new Map<string | null, number[]>();
  for (const index of of.indices) {
    if (of.labelOf(index) !== label) continue;
    const slide = of.slideOf(index);
    const list = bySlide.get(slide);
    if (list) list.push(index);
    else bySlide.set(slide, [index]);
  }
  const lists = [...bySlide.values()];
  random.shuffle(lists);
  yield* inTurns(lists.map((list) => inRandomOrder(list, { split: of.split, label, random })));
}

function* inRandomOrder(
  list: number[],
  { split, label, random }: { split: SplitName; label: 0 | 1 | null; random: Random },
): Generator<Choice, void, void> {
  for (let left = list.length; left > 0; left--) {
    const at = random.integer(0, left);
    const index = list[at]!;
    list[at] = list[left - 1]!;
    yield { split, index, label };
  }
}
