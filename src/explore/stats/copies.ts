/** Which patches of a split have the same pixels. */
import { DigestTable, type Scan } from '../../scan/index.js';
import type { Duplicates } from './types.js';

/** Shape (patches) each. */
export interface CopiesOfPatches {
  /** The first patch of the split with the same pixels: the patch itself where there is none before it. */
  readonly first: Uint32Array;
  /** Patches of the split with these pixels, this one included. */
  readonly copies: Uint32Array;
}

export function copiesOfPatches({ count, sha1 }: Pick<Scan, 'count' | 'sha1'>): CopiesOfPatches {
  const table = new DigestTable({ count, sha1 });
  const first = Uint32Array.from({ length: count }, (_, patch) => table.enter(patch));
  const times = new Uint32Array(count);
  for (const patch of first) times[patch]!++;
  return { first, copies: first.map((patch) => times[patch]!) };
}

export function duplicatesOf({ first, copies }: CopiesOfPatches, labels: Uint8Array | null): Duplicates {
  let [extra, groups, largest, positive] = [0, 0, 0, 0];
  const bothLabels = new Set<number>();
  for (let patch = 0; patch < first.length; patch++) {
    largest = Math.max(largest, copies[patch]!);
    if (first[patch] === patch) {
      if (copies[patch]! > 1) groups++;
      continue;
    }
    extra++;
    if (!labels) continue;
    positive += labels[patch]!;
    if (labels[patch] !== labels[first[patch]!]) bothLabels.add(first[patch]!);
  }
  return {
    ...{ extra, groups, largest },
    positive: labels ? positive : null,
    negative: labels ? extra - positive : null,
    conflicting: labels ? bothLabels.size : null,
  };
}
