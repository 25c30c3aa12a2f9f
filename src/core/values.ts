/** Small values that all layers share: the shape of a patch, a range of bytes, names that Windows keeps. */

/** Height and width of a patch in px, and its channels (RGB, uint8). */
export const PATCH_SIZE = 96;
export const CHANNELS = 3;
export const PATCH_BYTES = PATCH_SIZE * PATCH_SIZE * CHANNELS;

/** Number of elements of an array of this shape. */
export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** A range of bytes of a file: `start` inclusive, `end` exclusive. An `end` of Infinity means to the end of the file. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** The names that Windows keeps for devices, with any extension. */
export const DEVICE_NAME = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i;
