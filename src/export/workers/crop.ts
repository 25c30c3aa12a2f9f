/** Crops patches in memory. */
import { CHANNELS, PATCH_BYTES, PATCH_SIZE } from '../../dataset/index.js';

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
