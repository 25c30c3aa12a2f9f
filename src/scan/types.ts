/** What a scan finds out about each patch: columns of fixed width. */
import { CHANNELS } from '../core/index.js';

/** Bytes of a SHA-1. */
export const SHA1_BYTES = 20;
/** Values of a channel. */
export const LEVELS = 256;

/** Patches whose pixels are all the same. */
export const UNIFORM = { no: 0, white: 1, black: 2, other: 3 } as const;

/** One value or more per patch. */
export interface Columns {
  /** SHA-1 of the pixels: shape (patches, 20). */
  readonly sha1: Uint8Array;
  /** A value of UNIFORM. */
  readonly uniform: Uint8Array;
  /** Mean of all values, 0 to 255. */
  readonly brightness: Float32Array;
  /** Mean saturation (S of HSV), 0 to 1. */
  readonly saturation: Float32Array;
  /** Share of pixels whose largest and smallest channel differ by more than 20, 0 to 1. */
  readonly tissue: Float32Array;
}

export const COLUMN_BYTES = SHA1_BYTES + 1 + 3 * Float32Array.BYTES_PER_ELEMENT;

/** @param allocate gives memory of so many bytes, for one column after the other */
export function makeColumns(count: number, allocate: (bytes: number) => ArrayBufferLike): Columns {
  const floats = () => new Float32Array(allocate(count * Float32Array.BYTES_PER_ELEMENT));
  return {
    sha1: new Uint8Array(allocate(count * SHA1_BYTES)),
    uniform: new Uint8Array(allocate(count)),
    brightness: floats(),
    saturation: floats(),
    tissue: floats(),
  };
}

/** How often a channel has a value: shape (3, 256), exact whole numbers. */
export interface Histograms {
  /** Of all patches. */
  readonly all: Float64Array;
  /** Of each different patch once. */
  readonly unique: Float64Array;
}

export interface Scan extends Columns {
  /** Number of patches. */
  readonly count: number;
  readonly histograms: Histograms;
}

/** Adds histograms up. */
export function sumOf(histograms: readonly Float64Array[]): Float64Array {
  const total = new Float64Array(CHANNELS * LEVELS);
  for (const histogram of histograms) for (let i = 0; i < total.length; i++) total[i]! += histogram[i]!;
  return total;
}
