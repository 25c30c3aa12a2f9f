/** The patches of a shard for a format: read in batches, cropped, and joined with labels and meta rows. */
import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import { CHANNELS, PATCH_BYTES, PATCH_SIZE, PcamError } from '../../core/index.js';
import type { ImageReader } from '../../dataset/index.js';
import { type PatchBatch, type Recipe, type ShardSource, type ShardTask, sideOf } from '../formats/index.js';
import { metaOf, type SplitFacts } from './split-facts.js';

interface SourceRequest {
  images: ImageReader;
  facts: SplitFacts;
  task: ShardTask;
  recipe: Recipe;
  /** A file of patches in their order, and whether it has all of them or those of the task alone. */
  staged: { readonly fd: number; readonly whole: boolean } | undefined;
  /** Called with the patches of the task that are done. */
  onPatches(patches: number): void;
}

export function sourceOf({ images, facts, task, recipe, staged, onPatches }: SourceRequest): ShardSource {
  const { labels, order } = facts;
  const side = sideOf(recipe.crop);
  // Used again for every batch: new memory keeps the garbage collector busy.
  let memory = new Uint8Array(0);
  return {
    ...{ side, labels, order },
    meta: metaOf(facts),
    *batches(size, range): Generator<PatchBatch, void, void> {
      const { start, end } = range ?? task;
      for (let at = start; at < end; at += size) {
        const until = Math.min(end, at + size);
        const count = until - at;
        if (memory.length < count * PATCH_BYTES) memory = new Uint8Array(count * PATCH_BYTES);
        const target = memory.subarray(0, count * PATCH_BYTES);
        const indices = order?.subarray(at, until) ?? Uint32Array.from({ length: count }, (_, i) => at + i);
        if (staged && (staged.whole || !range)) readAt(staged.fd, target, at * PATCH_BYTES);
        else if (order) {
          images.prefetch(order.subarray(until, Math.min(end, until + size)));
          images.gather(indices, target);
        } else images.read(at, until, target);
        const sha1 = recipe.sha1 ? digestsOf(target) : null;
        yield { count, indices, pixels: cropPatches(target, side), sha1 };
        if (!range) onPatches(count);
      }
    },
  };
}

function readAt(fd: number, target: Uint8Array, position: number): void {
  for (let at = 0; at < target.length; ) {
    const read = readSync(fd, target, at, target.length - at, position + at);
    if (read === 0) throw new PcamError('IO', 'the sorted patches are truncated');
    at += read;
  }
}

/** SHA-1 of each whole patch: its id in Kaggle's version of the data. */
function digestsOf(patches: Uint8Array): string[] {
  return Array.from({ length: patches.length / PATCH_BYTES }, (_, i) =>
    createHash('sha1')
      .update(patches.subarray(i * PATCH_BYTES, (i + 1) * PATCH_BYTES))
      .digest('hex'),
  );
}

/**
 * Cuts the centre out of each patch.
 * @param patches uint8, shape (n, 96, 96, 3), C order
 * @returns uint8, shape (n, side, side, 3), C order; `patches` itself when that is all of it
 */
export function cropPatches(patches: Uint8Array, side: number): Uint8Array {
  if (side === PATCH_SIZE) return patches;
  const count = patches.length / PATCH_BYTES;
  const margin = (PATCH_SIZE - side) / 2;
  const rowBytes = side * CHANNELS;
  const cropped = new Uint8Array(count * side * rowBytes);
  for (let patch = 0, to = 0; patch < count; patch++) {
    for (let row = 0; row < side; row++, to += rowBytes) {
      const from = patch * PATCH_BYTES + ((row + margin) * PATCH_SIZE + margin) * CHANNELS;
      cropped.set(patches.subarray(from, from + rowBytes), to);
    }
  }
  return cropped;
}
