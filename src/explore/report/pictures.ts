/** Patches as the pictures of a page. */
import { PATCH_SIZE } from '../../core/index.js';
import { encodePng } from '../../export/encode/index.js';
import type { Picture } from './model.js';

/** @param pixels uint8, shape (96, 96, 3) */
export function pictureOf(pixels: Uint8Array): Picture {
  // The encoder reuses its memory for the next picture.
  return { png: Buffer.from(encodePng(pixels, PATCH_SIZE)), width: PATCH_SIZE, height: PATCH_SIZE };
}
