/** The patches of a shard on their way from the images to a format: read in batches, cropped, and joined with label and meta columns. */
import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import { PATCH_BYTES, PcamError } from '../../core/index.js';
import type { ImageReader } from '../../dataset/index.js';
import { type PatchBatch, type Recipe, type ShardSource, type ShardTask, sideOf } from '../formats/index.js';
import { cropPatches } from './crop.js';
import { metaOf, type SplitFacts } from './split-facts.js';

interface SourceRequest {
  images: ImageReader;
  facts: SplitFacts;
  task: ShardTask;
  recipe: Recipe;
  /** Of one worker: what it holds is good until the next batch. */
  memory: PatchMemory;
  /** A file of patches in their order, and whether it has all of them or those of the task alone. */
  staged: { readonly fd: number; readonly whole: boolean } | undefined;
  /** Called with the patches of the task that are done. */
  onPatches(patches: number): void;
}

/** Memory for the patches on their way into a shard, used again: new memory keeps the garbage collector busy. */
export class PatchMemory {
  #bytes = new Uint8Array(0);

  take(patches: number): Uint8Array {
    const bytes = patches * PATCH_BYTES;
    if (this.#bytes.length < bytes) this.#bytes = new Uint8Array(bytes);
    return this.#bytes.subarray(0, bytes);
  }
}

export function sourceOf({
  images,
  facts,
  task,
  recipe,
  memory,
  staged,
  onPatches,
}: SourceRequest): ShardSource {
  const { labels, order } = facts;
  const side = sideOf(recipe.crop);
  return {
    ...{ side, labels, order },
    meta: metaOf(facts),
    *batches(size, range): Generator<PatchBatch, void, void> {
      const { start, end } = range ?? task;
      for (let at = start; at < end; at += size) {
        const until = Math.min(end, at + size);
        const count = until - at;
        const target = memory.take(count);
        const indices = order?.subarray(at, until) ?? Uint32Array.from({ length: count }, (_, i) => at + i);
        if (staged && (staged.whole || !range)) readAt(staged.fd, target, at * PATCH_BYTES);
        else if (order) images.gather(indices, target);
        else images.read(at, until, target);
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

/** SHA-1 of each whole patch: what Kaggle's version of the data calls it. */
function digestsOf(patches: Uint8Array): string[] {
  return Array.from({ length: patches.length / PATCH_BYTES }, (_, i) =>
    createHash('sha1')
      .update(patches.subarray(i * PATCH_BYTES, (i + 1) * PATCH_BYTES))
      .digest('hex'),
  );
}
