/** What a scan finds out about each patch: columns of fixed width. */
import { CHANNELS } from '../core/index.js';

/** Bytes of a SHA-1. */
export const SHA1_BYTES = 20;
/** Values of a channel. */
export const LEVELS = 256;

/** Patches whose pixels are all the same. */
export const UNIFORM = { no: 0, white: 1, black: 2, other: 3 } as const;

/**
 * Bytes per patch of each column. A column more is a line here, one in `Scanner`, and a new version of the cache:
 * `sha1` is the SHA-1 of the pixels, `uniform` a value of UNIFORM.
 */
export const COLUMNS = { sha1: SHA1_BYTES, uniform: 1 } as const;

/** Shape (patches, bytes per patch) each. */
export type Columns = { readonly [name in keyof typeof COLUMNS]: Uint8Array };

/** Every column with the memory that `allocate` gives for it. */
export function makeColumns(allocate: (bytesPerPatch: number) => Uint8Array): Columns {
  const columns = Object.entries(COLUMNS).map(([name, bytes]) => [name, allocate(bytes)]);
  return Object.fromEntries(columns) as Columns;
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
