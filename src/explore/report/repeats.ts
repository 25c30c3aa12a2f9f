/** The contents that occur most often, within and across splits. */
import { firstAcross, type SplitDetails } from '../stats/index.js';

export interface RepeatedContent {
  /** Its first occurrence: the position of a split, and an index in it. */
  readonly place: number;
  readonly index: number;
  /** How often it occurs in each of the splits. */
  readonly counts: readonly number[];
  /** Whether its copies carry both labels. */
  readonly conflicting: boolean;
}

/**
 * The contents that occur more than once, most copies first.
 * @returns at most `max` of them, and how many there are
 */
export function mostRepeated(
  splits: readonly SplitDetails[],
  max: number,
): { contents: RepeatedContent[]; total: number } {
  const first = firstAcross(splits);
  const times = new Uint32Array(first.length);
  for (const patch of first) times[patch]!++;
  const repeated = [...times.keys()].filter((patch) => times[patch]! > 1);
  // Of equal ones, the earlier come first.
  const chosen = repeated.sort((a, b) => times[b]! - times[a]!).slice(0, max);
  const found = new Map(
    chosen.map((patch) => [patch, { place: 0, index: 0, counts: splits.map(() => 0), labels: new Set() }]),
  );
  let start = 0;
  for (const [place, { scan, labels }] of splits.entries()) {
    for (let index = 0; index < scan.count; index++) {
      const content = found.get(first[start + index]!);
      if (!content) continue;
      content.counts[place]!++;
      if (first[start + index] === start + index) Object.assign(content, { place, index });
      if (labels) content.labels.add(labels[index]);
    }
    start += scan.count;
  }
  const contents = [...found.values()].map(({ labels, ...content }) => ({
    ...content,
    conflicting: labels.size > 1,
  }));
  return { contents, total: repeated.length };
}
