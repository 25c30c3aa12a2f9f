/** Which patches of a split are the first of their kind, pixel by pixel. */
import { createHash } from 'node:crypto';
import { throwIfAborted } from '../core/index.js';
import { arrayOf, openImages, PATCH_BYTES } from '../dataset/index.js';
import type { Manifest, SplitName } from '../manifest/index.js';

const BATCH = 64;

/** @returns shape (count): 1 for the first of identical patches, 0 for its copies */
export async function firstOfEach({
  dir,
  manifest,
  split,
  signal,
}: {
  dir: string;
  manifest: Manifest;
  split: SplitName;
  signal?: AbortSignal;
}): Promise<Uint8Array> {
  const images = await openImages(arrayOf({ dir, manifest, split, kind: 'images' }));
  try {
    const firsts = new Uint8Array(images.count);
    const seen = new Set<string>();
    for (let at = 0; at < images.count; at += BATCH) {
      throwIfAborted(signal);
      const end = Math.min(images.count, at + BATCH);
      const pixels = images.read(at, end);
      for (let i = at; i < end; i++) {
        const patch = pixels.subarray((i - at) * PATCH_BYTES, (i - at + 1) * PATCH_BYTES);
        const digest = createHash('sha1').update(patch).digest('base64');
        if (!seen.has(digest)) firsts[i] = 1;
        seen.add(digest);
      }
    }
    return firsts;
  } finally {
    images.close();
  }
}
