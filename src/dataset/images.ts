/** The patches of one split, read from the disk a few at a time. */
import { CHANNELS, PATCH_BYTES, PATCH_SIZE } from '../core/index.js';
import { type ArrayReader, MAX_READ, text } from './array.js';
import { openArray } from './hdf5.js';
import { badHdf5 } from './problems.js';
import { MAX_PATCHES } from './types.js';

/** Most patches of one `read`: 1 GiB. */
export const MAX_BATCH = Math.floor(2 ** 30 / PATCH_BYTES);
/** Patches of one read where they lie one after the other: some 8 MB. */
const PATCHES_PER_READ = 300;
/** Patches of a good read where they share no chunks: 3.5 MB. */
const DEFAULT_BATCH = 128;
/** Most patches that are unpacked and kept at once where they share chunks. */
const MAX_SLAB = Math.floor(MAX_READ / PATCH_BYTES);
/** More chunks than this per patch only cost time: HDF5 keeps a record for each one it touches. */
const MAX_CHUNKS_PER_PATCH = 4096;

export interface ImageReader {
  /** Number of patches. */
  readonly count: number;
  /** Patches that are best read together: a whole number of chunks where patches share them. */
  readonly batch: number;
  /** Whether a patch cannot be read without unpacking others. */
  readonly sharesChunks: boolean;
  /**
   * Patches `start` to `end` (exclusive): uint8, shape (end - start, 96, 96, 3), C order.
   * @param target memory of just that size to put them in, default new memory
   */
  read(start: number, end: number, target?: Uint8Array): Uint8Array;
  /**
   * Patches in any order: uint8, shape (indices.length, 96, 96, 3). The file is read in its own order.
   * @param target memory of just that size to put them in
   */
  gather(indices: Uint32Array, target: Uint8Array): Uint8Array;
  /** Starts to read patches that are gathered next, several at once. */
  prefetch(indices: Uint32Array): void;
  close(): void;
}

/**
 * Opens an array of patches: uint8, shape (N, 96, 96, 3).
 * @param options.shape the shape that the manifest gives
 * @throws PcamError BAD_HDF5 naming the file, what was expected and what was found
 */
export async function openImages({
  file,
  path,
  shape,
}: {
  file: string;
  path: string;
  shape?: readonly number[];
}): Promise<ImageReader> {
  const array = await openArray(file, path);
  try {
    checkImages(array, shape);
    return new Images(array);
  } catch (error) {
    array.close();
    throw error;
  }
}

function checkImages({ file, path, info }: ArrayReader, shape: readonly number[] | undefined): void {
  const count = info.shape[0] ?? 0;
  const expected = shape ?? [count, PATCH_SIZE, PATCH_SIZE, CHANNELS];
  const fits = info.shape.length === 4 && info.shape.every((n, i) => n === expected[i]);
  if (!fits || info.shape.slice(1).join() !== `${PATCH_SIZE},${PATCH_SIZE},${CHANNELS}`) {
    const wanted = shape ? text(shape) : `(N, ${PATCH_SIZE}, ${PATCH_SIZE}, ${CHANNELS})`;
    throw badHdf5({ file, expected: `shape ${wanted} for ${path}`, found: `shape ${text(info.shape)}` });
  }
  if (!info.isInteger || info.signed || info.size !== 1) {
    throw badHdf5({ file, expected: `type uint8 for ${path}`, found: `type ${info.type}` });
  }
  if (count > MAX_PATCHES) {
    throw badHdf5({ file, expected: `at most ${MAX_PATCHES} patches`, found: `${count}` });
  }
  const perPatch = (info.chunks ?? info.shape)
    .slice(1)
    .reduce((product, n, i) => product * Math.ceil((info.shape[i + 1] ?? 1) / n), 1);
  if (perPatch > MAX_CHUNKS_PER_PATCH) {
    const found = `chunks of shape ${text(info.chunks ?? [])}`;
    throw badHdf5({ file, expected: `at most ${MAX_CHUNKS_PER_PATCH} chunks per patch for ${path}`, found });
  }
}

class Images implements ImageReader {
  readonly count: number;
  readonly batch: number;
  readonly sharesChunks: boolean;
  readonly #array: ArrayReader;
  /** Patches per slab; 0 where patches do not share chunks, so that there is nothing to keep. */
  readonly #slabSize: number;
  #slab: Uint8Array | undefined;
  #slabStart = 0;

  constructor(array: ArrayReader) {
    this.#array = array;
    this.count = array.info.shape[0] ?? 0;
    this.#slabSize = slabSize(array.info.chunks?.[0] ?? 1);
    this.batch = this.#slabSize || DEFAULT_BATCH;
    this.sharesChunks = this.#slabSize > 0;
  }

  read(start: number, end: number, target?: Uint8Array): Uint8Array {
    const { count } = this;
    const whole = Number.isInteger(start) && Number.isInteger(end);
    if (!whole || start < 0 || end < start || end > count || end - start > MAX_BATCH) {
      throw new RangeError(`patches ${start} to ${end} of ${count}, at most ${MAX_BATCH} at once`);
    }
    const images = target ?? emptyPatches(end - start);
    if (images.length !== (end - start) * PATCH_BYTES) {
      throw new RangeError(`memory of ${images.length} bytes for ${end - start} patches`);
    }
    if (this.#slabSize === 0) this.#readInto(images, start, PATCHES_PER_READ);
    else this.#copyFromSlabs(images, start, end);
    return images;
  }

  #copyFromSlabs(images: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; ) {
      const slab = this.#slabAt(at);
      const next = Math.min(end, this.#slabStart + slab.length / PATCH_BYTES);
      const from = (at - this.#slabStart) * PATCH_BYTES;
      images.set(slab.subarray(from, from + (next - at) * PATCH_BYTES), (at - start) * PATCH_BYTES);
      at = next;
    }
  }

  gather(indices: Uint32Array, target: Uint8Array): Uint8Array {
    const inFileOrder = Uint32Array.from(indices.keys()).sort((a, b) => indices[a]! - indices[b]!);
    for (const i of inFileOrder) {
      this.read(indices[i]!, indices[i]! + 1, target.subarray(i * PATCH_BYTES, (i + 1) * PATCH_BYTES));
    }
    return target;
  }

  prefetch(indices: Uint32Array): void {
    this.#array.prefetch?.(indices);
  }

  /** The slab that the patch lies in. */
  #slabAt(index: number): Uint8Array {
    const start = index - (index % this.#slabSize);
    if (!this.#slab || this.#slabStart !== start) {
      this.#slab = undefined;
      const slab = emptyPatches(Math.min(this.#slabSize, this.count - start));
      this.#readInto(slab, start, this.#slabSize);
      this.#slab = slab;
      this.#slabStart = start;
    }
    return this.#slab;
  }

  /** Fills memory with the patches from `start` on, so many per read. */
  #readInto(images: Uint8Array, start: number, perRead: number): void {
    const step = perRead * PATCH_BYTES;
    for (let from = 0; from < images.length; from += step) {
      this.#array.readRows(start + from / PATCH_BYTES, images.subarray(from, from + step));
    }
  }

  close(): void {
    this.#slab = undefined;
    this.#array.close();
  }
}

/**
 * HDF5 unpacks a whole chunk for any part of it, so a chunk that spans many patches is read for all of
 * them at once, and kept for the next batch.
 */
function slabSize(patchesPerChunk: number): number {
  if (patchesPerChunk <= 1) return 0;
  const fitting = Math.floor(PATCHES_PER_READ / patchesPerChunk) * patchesPerChunk;
  return fitting || Math.min(patchesPerChunk, MAX_SLAB);
}

/** Memory that the caller fills; zeroing gigabytes first would cost as much as reading them. */
function emptyPatches(patches: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(patches * PATCH_BYTES).buffer);
}
