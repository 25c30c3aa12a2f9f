/** An array of numbers that lies in a file, whoever reads it. */
import { elementsOf } from '../core/index.js';

/** What an HDF5 file says about an array. */
export interface ArrayInfo {
  readonly shape: readonly number[];
  /** `uint8`, `int64 big-endian`, `float32`, …: for messages. */
  readonly type: string;
  /** An integer type, or the one-byte enumeration that h5py writes for booleans. */
  readonly isInteger: boolean;
  readonly signed: boolean;
  /** Bytes per element. */
  readonly size: number;
  /** `null` when the layout is contiguous or compact. */
  readonly chunks: readonly number[] | null;
}

/** A hyperslab: `count` elements of each dimension from `offset` on. */
export interface Slab {
  readonly offset: readonly number[];
  readonly count: readonly number[];
  /** Memory of just the size of the slab. */
  readonly target: Uint8Array;
}

/** An open array. Elements come in C order, and little-endian whatever the file has. */
export interface ArrayReader {
  readonly file: string;
  readonly path: string;
  readonly info: ArrayInfo;
  /**
   * Reads at most `MAX_READ` bytes.
   * @throws PcamError BAD_HDF5; IO when the system cannot read the file
   */
  read(slab: Slab): void;
  /** May be called again. */
  close(): void;
}

/** Most bytes of one read: the library holds them in its memory and pcam copies them out. */
export const MAX_READ = 64 * 1024 * 1024;

/** @throws RangeError unless the slab lies in the array and its target has its size */
export function requireSlab({ shape, size }: ArrayInfo, { offset, count, target }: Slab): void {
  const inside = shape.every((n, i) => offset[i]! >= 0 && offset[i]! + count[i]! <= n);
  const bytes = elementsOf(count) * size;
  if (inside && bytes <= MAX_READ && bytes === target.length) return;
  const slab = `${text(count)} from ${text(offset)} on of ${text(shape)}`;
  throw new RangeError(`a read of ${slab} into ${target.length} bytes; at most ${MAX_READ} at once`);
}

/** `(32768, 96, 96, 3)`. */
export function text(shape: readonly number[]): string {
  return `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;
}
