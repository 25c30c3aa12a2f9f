/** The plain way to the figures of a split, for tests: every patch in memory, one loop per question. */
import { createHash } from 'node:crypto';
import { openSplit } from '#pcam/dataset/split.js';
import type { Manifest, SplitName } from '#pcam/manifest/types.js';

export interface ReferenceSplit {
  labels: number[];
  slides: string[];
  sha1: string[];
  patches: Uint8Array[];
}

export async function readReference(request: {
  dir: string;
  manifest: Manifest;
  split: SplitName;
}): Promise<ReferenceSplit> {
  const split = await openSplit(request);
  try {
    const patches = Array.from({ length: split.count }, (_, i) => split.readPatches(i, i + 1).slice());
    return {
      labels: [...split.labels],
      slides: patches.map((_, i) => split.meta?.row(i).wsi ?? ''),
      sha1: patches.map((patch) => createHash('sha1').update(patch).digest('hex')),
      patches,
    };
  } finally {
    split.close();
  }
}

export function channelReference(patches: readonly Uint8Array[], channel: number) {
  const histogram: number[] = new Array(256).fill(0);
  let [n, sum] = [0, 0];
  for (const patch of patches) {
    for (let i = channel; i < patch.length; i += 3) {
      histogram[patch[i]!]!++;
      sum += patch[i]!;
      n++;
    }
  }
  const mean = sum / n;
  let deviation = 0;
  for (const patch of patches) {
    for (let i = channel; i < patch.length; i += 3) deviation += (patch[i]! - mean) ** 2;
  }
  return { mean, std: Math.sqrt(deviation / n), histogram };
}
