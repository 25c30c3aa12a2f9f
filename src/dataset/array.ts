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

/** An open array. Elements come in C order, and little-endian whatever the file has. */
export interface ArrayReader {
  readonly file: string;
  readonly path: string;
  readonly info: ArrayInfo;
  /**
   * Reads whole rows, of the first dimension, into memory of their size: at most `MAX_READ` bytes.
   * @throws PcamError BAD_HDF5; IO when the system cannot read the file
   */
  readRows(start: number, target: Uint8Array): void;
  /**
   * Starts to read rows that are wanted next into the system's cache, several at once: a disk serves a random order
   * faster so. A failure is met again by `readRows`. Only where rows lie in one block.
   */
  prefetch?(rows: Uint32Array): void;
  /** May be called again. */
  close(): void;
}

/** Most bytes of one read: the library holds them in its memory and pcam copies them out. */
export const MAX_READ = 64 * 1024 * 1024;

/**
 * @returns how many rows fill the target
 * @throws RangeError unless the array has them
 */
export function rowsOf({ shape, size }: ArrayInfo, start: number, target: Uint8Array): number {
  const rows = target.length === 0 ? 0 : target.length / (elementsOf(shape.slice(1)) * size);
  const inside = Number.isInteger(rows) && start >= 0 && start + rows <= shape[0]!;
  if (inside && target.length <= MAX_READ) return rows;
  throw new RangeError(`rows from ${start} on of ${text(shape)} into ${target.length} bytes of ${MAX_READ}`);
}

/** `(32768, 96, 96, 3)`. */
export function text(shape: readonly number[]): string {
  return `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;
}
