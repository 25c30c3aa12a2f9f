/** The contents that occur most often, within and across splits. */
import { DigestTable, SHA1_BYTES } from '../../scan/index.js';
import type { SplitDetails } from '../stats/index.js';

export interface RepeatedContent {
  /** Its first occurrence: a split, by its place, and an index. */
  readonly place: number;
  readonly index: number;
  /** How often it occurs in each of the splits, by their places. */
  readonly counts: readonly number[];
  /** Whether its copies carry both labels. */
  readonly conflicting: boolean;
}

/** At most `most` contents that occur more than once, most copies first. Some 40 bytes per patch are held. */
export function mostRepeated(splits: readonly SplitDetails[], most: number): RepeatedContent[] {
  const total = splits.reduce((sum, { scan }) => sum + scan.count, 0);
  const sha1 = new Uint8Array(total * SHA1_BYTES);
  const table = new DigestTable({ count: total, sha1 });
  const first = new Uint32Array(total);
  const times = new Uint32Array(total);
  let start = 0;
  for (const { scan } of splits) {
    sha1.set(scan.sha1, start * SHA1_BYTES);
    for (let i = start; i < start + scan.count; i++) {
      first[i] = table.enter(i);
      times[first[i]!]!++;
    }
    start += scan.count;
  }
  return describe(splits, first, largest(times, most));
}

/** The patches with the largest counts above 1; of equal ones, the earlier. */
function largest(times: Uint32Array, most: number): number[] {
  const best: number[] = [];
  for (let i = 0; i < times.length; i++) {
    if (times[i]! < 2 || (best.length === most && times[i]! <= times[best.at(-1)!]!)) continue;
    const at = best.findIndex((other) => times[other]! < times[i]!);
    best.splice(at < 0 ? best.length : at, 0, i);
    best.length = Math.min(best.length, most);
  }
  return best;
}

function describe(
  splits: readonly SplitDetails[],
  first: Uint32Array,
  chosen: readonly number[],
): RepeatedContent[] {
  const counts = new Map(chosen.map((patch) => [patch, splits.map(() => 0)]));
  const labels = new Map(chosen.map((patch) => [patch, new Set<number>()]));
  const places = new Map<number, { place: number; index: number }>();
  let start = 0;
  for (const [place, split] of splits.entries()) {
    for (let index = 0; index < split.scan.count; index++) {
      const patch = first[start + index]!;
      const own = counts.get(patch);
      if (!own) continue;
      own[place]!++;
      if (patch === start + index) places.set(patch, { place, index });
      if (split.labels) labels.get(patch)!.add(split.labels[index]!);
    }
    start += split.scan.count;
  }
  return chosen.map((patch) => ({
    ...places.get(patch)!,
    counts: counts.get(patch)!,
    conflicting: labels.get(patch)!.size > 1,
  }));
}
