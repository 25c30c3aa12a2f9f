/** What one reading of all patches of a split finds out. */
import { CHANNELS } from '../core/index.js';

/** Bytes of a SHA-1. */
export const SHA1_BYTES = 20;
/** Values of a channel. */
export const LEVELS = 256;

/** Patches whose pixels are all the same. */
export const UNIFORM = { no: 0, white: 1, black: 2, other: 3 } as const;

export interface Scan {
  /** Number of patches. */
  readonly count: number;
  /** SHA-1 of the pixels of each patch: uint8, shape (count, 20). */
  readonly sha1: Uint8Array;
  /** Whether a patch is of one colour: a value of UNIFORM each, shape (count). */
  readonly uniform: Uint8Array;
  readonly histograms: Histograms;
}

/** How often a channel has a value: shape (3, 256), exact whole numbers. */
export interface Histograms {
  /** Of all patches. */
  readonly all: Float64Array;
  /** Of each different patch once. */
  readonly unique: Float64Array;
}

/** What the threads of a scan share. */
export interface ScanTask {
  readonly file: string;
  readonly path: string;
  readonly shape: readonly number[] | undefined;
  readonly count: number;
  /** Shape (count, 20). */
  readonly sha1: SharedArrayBuffer;
  /** Shape (count). */
  readonly uniform: SharedArrayBuffer;
  /** Slots of the digest table. */
  readonly table: SharedArrayBuffer;
  /** Int32: the first patch that no thread has taken. */
  readonly next: SharedArrayBuffer;
}

/** Adds histograms up. */
export function sumOf(histograms: readonly Float64Array[]): Float64Array {
  const total = new Float64Array(CHANNELS * LEVELS);
  for (const histogram of histograms) for (let i = 0; i < total.length; i++) total[i]! += histogram[i]!;
  return total;
}
