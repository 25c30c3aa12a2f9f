/** Random samples of the patches that passed the filters: per slide, per class, per split. */
import { PcamError, Random } from '../core/index.js';
import type { MetaTable } from '../dataset/index.js';
import { SPLITS, type SplitName } from '../manifest/index.js';
import type { SelectionOptions } from './options.js';

/** A stream of random numbers for each kind of sample. */
const STREAM = { perSlide: 0x51de, perClass: 0xc1a5, sample: 0x5a } as const;

/** What a selection reads of a split: labels and slides only where an option needs them. */
export interface Facts {
  /** Number of patches. */
  readonly count: number;
  readonly labels: Uint8Array | null;
  readonly meta: MetaTable | null;
}

interface SampleRequest {
  split: SplitName;
  /** The patches that passed the filters, ascending; reordered in place. */
  candidates: Uint32Array;
  facts: Facts;
  selection: SelectionOptions;
}

/**
 * Samples per slide, then per class, then of the whole split.
 * @returns ascending
 * @throws PcamError USAGE with the number of patches, when a sample is larger than that
 */
export function sampleOf({ split, candidates, facts, selection }: SampleRequest): Uint32Array {
  const { perSlide, perClass, sample, label, seed = 0 } = selection;
  const random = (stream: number, group: number) => new Random(seed, SPLITS.indexOf(split), stream, group);
  let left = candidates;
  if (perSlide !== undefined) {
    const { slides, row } = facts.meta!;
    const numbers = new Map(slides.map((slide, number) => [slide, number]));
    const groups = groupBy(left, slides.length, (index) => numbers.get(row(index).wsi)!);
    left = join(
      groups.map((group, i) => draw(group, Math.min(perSlide, group.length), random(STREAM.perSlide, i))),
    );
  }
  if (perClass !== undefined) {
    const classes = groupBy(left, 2, (index) => facts.labels![index]!);
    // Where one label is selected, the other class may be empty.
    const wanted = [0, 1].filter((one) => label === undefined || one === label);
    const short = wanted.find((one) => classes[one]!.length < perClass);
    if (short !== undefined) {
      const there = `${classes[0]!.length} with label 0 and ${classes[1]!.length} with label 1`;
      throw tooMany({ asked: `${perClass} patches of each class`, split, there });
    }
    left = join(wanted.map((one) => draw(classes[one]!, perClass, random(STREAM.perClass, one))));
  }
  if (sample !== undefined) {
    if (sample > left.length)
      throw tooMany({ asked: `a sample of ${sample} patches`, split, there: `${left.length}` });
    left = draw(left, sample, random(STREAM.sample, 0));
  }
  return left.sort();
}

/** `n` random values; `values` is reordered in place. */
function draw(values: Uint32Array, n: number, random: Random): Uint32Array {
  random.draw(values, n);
  return values.subarray(0, n);
}

function groupBy(values: Uint32Array, groups: number, groupOf: (value: number) => number): Uint32Array[] {
  const counts = new Uint32Array(groups);
  for (const value of values) counts[groupOf(value)]!++;
  const arrays = Array.from(counts, (count) => new Uint32Array(count));
  counts.fill(0);
  for (const value of values) {
    const group = groupOf(value);
    arrays[group]![counts[group]!++] = value;
  }
  return arrays;
}

function join(arrays: readonly Uint32Array[]): Uint32Array {
  const joined = new Uint32Array(arrays.reduce((sum, array) => sum + array.length, 0));
  let at = 0;
  for (const array of arrays) {
    joined.set(array, at);
    at += array.length;
  }
  // Ascending, so that the next sample does not depend on the order of the groups.
  return joined.sort();
}

function tooMany({ asked, split, there }: { asked: string; split: SplitName; there: string }): PcamError {
  return new PcamError('USAGE', `${asked} cannot be taken from ${split}: the selection leaves ${there}`, {
    hint: 'ask for no more than there are, or widen the selection',
    expected: asked,
    found: there,
  });
}
