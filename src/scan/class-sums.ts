/** The sum of all patches of each class, pixel by pixel: what their mean is made from. Kept as scans are. */
import { createHash } from 'node:crypto';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type OnEvent, PATCH_BYTES, TaskReporter, throwIfAborted } from '../core/index.js';
import { arrayOf, openImages } from '../dataset/index.js';
import type { Manifest, SplitName } from '../manifest/index.js';
import { layout } from '../store/index.js';
import { readSealed, writeSealed } from './cache.js';

/** A change here makes every older file useless. */
const MAGIC = `pcam class sums 2 ${endianness()}\n`;
const SUM_BYTES = PATCH_BYTES * Float64Array.BYTES_PER_ELEMENT;
const WORDS = PATCH_BYTES / 4;
/** So many bytes of 255 fit into 16 bits. */
const MAX_HELD = 257;

export interface ClassSumsRequest {
  dir: string;
  manifest: Manifest;
  split: SplitName;
  /** MD5 of the images. */
  md5: string;
  /** One per patch. */
  labels: Uint8Array;
  signal?: AbortSignal;
  onEvent?: OnEvent;
}

/** Shape (96, 96, 3) each, by label. */
export type ClassSums = readonly [negative: Float64Array, positive: Float64Array];

/**
 * A second call on the same images and labels reads none of them.
 * @throws PcamError MISSING, BAD_HDF5, IO; ABORTED
 */
export async function classSums(request: ClassSumsRequest): Promise<ClassSums> {
  const { dir, split, md5, labels } = request;
  const path = join(layout(dir).scans, `${split}-sums`);
  const head = Buffer.from(`${MAGIC}${md5} ${createHash('sha256').update(labels).digest('hex')}\n`);
  const kept = await readSealed(path, head, 2 * SUM_BYTES);
  if (kept) {
    const { buffer } = new Uint8Array(kept);
    return [new Float64Array(buffer, 0, PATCH_BYTES), new Float64Array(buffer, SUM_BYTES)];
  }
  const sums = await addUp(request);
  // Where the folder cannot be written to, the next call reads the images again.
  await writeSealed(path, head, sums).catch(() => {});
  return sums;
}

async function addUp({
  dir,
  manifest,
  split,
  labels,
  signal,
  onEvent,
}: ClassSumsRequest): Promise<ClassSums> {
  const images = await openImages(arrayOf({ dir, manifest, split, kind: 'images' }));
  const count = Math.min(images.count, labels.length);
  const state = {
    task: `mean of ${split}`,
    step: 'scan',
    unit: 'patches',
    done: 0,
    total: count,
  } as const;
  const task = new TaskReporter(state, onEvent);
  const classes = [new Sum(), new Sum()] as const;
  try {
    const pixels = new Uint8Array(images.batch * PATCH_BYTES);
    const words = new Uint32Array(pixels.buffer);
    for (let start = 0; start < count; start += images.batch) {
      const end = Math.min(count, start + images.batch);
      images.read(start, end, pixels.subarray(0, (end - start) * PATCH_BYTES));
      if (endianness() === 'BE') Buffer.from(pixels.buffer).swap32();
      for (let i = start; i < end; i++) classes[labels[i]! as 0 | 1].add(words, (i - start) * WORDS);
      task.progress({ done: end });
      // Reading does not wait for anything: signals and bars need a turn.
      await setImmediate();
      throwIfAborted(signal);
    }
    task.end();
    return [classes[0].take(), classes[1].take()];
  } catch (error) {
    task.end({ outcome: 'failed' });
    throw error;
  } finally {
    images.close();
  }
}

/** Adds four bytes in two steps: every other byte of a word in 16 bits of its own, for as many patches as fit. */
class Sum {
  readonly #even = new Uint32Array(WORDS);
  readonly #odd = new Uint32Array(WORDS);
  readonly #total = new Float64Array(PATCH_BYTES);
  #held = 0;

  /** @param from where the patch begins in `words`, which holds its bytes four by four, little-endian */
  add(words: Uint32Array, from: number): void {
    const [even, odd] = [this.#even, this.#odd];
    for (let i = 0; i < WORDS; i++) {
      const word = words[from + i]!;
      even[i]! += word & 0x00ff00ff;
      odd[i]! += (word >>> 8) & 0x00ff00ff;
    }
    if (++this.#held === MAX_HELD) this.#fold();
  }

  take(): Float64Array {
    this.#fold();
    return this.#total;
  }

  #fold(): void {
    for (let i = 0; i < WORDS; i++) {
      this.#total[4 * i]! += this.#even[i]! & 0xffff;
      this.#total[4 * i + 1]! += this.#odd[i]! & 0xffff;
      this.#total[4 * i + 2]! += this.#even[i]! >>> 16;
      this.#total[4 * i + 3]! += this.#odd[i]! >>> 16;
    }
    this.#even.fill(0);
    this.#odd.fill(0);
    this.#held = 0;
  }
}
