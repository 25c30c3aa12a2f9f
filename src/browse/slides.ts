/**
 * Tiles of a slide, put together from the patches that were sampled from it: the picture of a slide that PCam alone holds.
 * Level 0 of a slide is four times as fine as its patches (level 2); a pixel here is a pixel of a patch.
 */
import { CHANNELS, PATCH_SIZE } from '../core/index.js';
import { encodeRgb } from '../picture/index.js';
import type { BrowseSplit } from './splits.js';

/** Pixels of level 0 per pixel of a patch. */
const DOWNSAMPLE = 4;
export const TILE_SIZE = 256;
/** Patches of one tile that are read from the disk; more lie in a tile only where they overlap many times. */
const MAX_READS = 2048;
/** From this scale on a patch is drawn from a thumbnail in memory. */
const THUMBNAIL_SCALE = 16;
const THUMBNAIL_SIZE = PATCH_SIZE / THUMBNAIL_SCALE;
const THUMBNAIL_BYTES = THUMBNAIL_SIZE * THUMBNAIL_SIZE * CHANNELS;
/** A patch is never drawn smaller (px), so that single ones are seen on a whole slide. */
const MIN_DRAWN_SIZE = 3;
const MAX_CACHED_SLIDES = 8;

export interface SlideMap {
  readonly width: number;
  readonly height: number;
  /** Level `levels - 1` has the pixels of the patches; each one below has half of them in each direction. */
  readonly levels: number;
  /** Position of the upper left corner, in px of level 0. */
  readonly left: number;
  readonly top: number;
  readonly patches: Uint32Array;
}

export class SlideTiles {
  readonly #maps = new Map<string, SlideMap>();
  readonly #thumbnails = new Map<string, Promise<Uint8Array>>();

  /** @returns undefined where the split has no such slide */
  map(split: BrowseSplit, slide: number): SlideMap | undefined {
    if (!split.meta || slide >= split.meta.slides.length) return undefined;
    const key = `${split.name}/${slide}`;
    const map = this.#maps.get(key) ?? mapOf(split, slide);
    this.#maps.set(key, map);
    return map;
  }

  /** A tile as PNG, on a ground of this colour; undefined where there is none. */
  async tile(
    split: BrowseSplit,
    slide: number,
    at: { level: number; column: number; row: number; ground: number },
  ) {
    const map = this.map(split, slide);
    if (!map || at.level >= map.levels) return undefined;
    const scale = 2 ** (map.levels - 1 - at.level);
    const [left, top] = [at.column * TILE_SIZE * scale, at.row * TILE_SIZE * scale];
    if (left >= map.width || top >= map.height) return undefined;
    const width = Math.min(TILE_SIZE, Math.ceil((map.width - left) / scale));
    const height = Math.min(TILE_SIZE, Math.ceil((map.height - top) / scale));
    const pixels = new Uint8Array(width * height * CHANNELS);
    for (let i = 0; i < pixels.length; i += CHANNELS)
      for (let c = 0; c < CHANNELS; c++) pixels[i + c] = (at.ground >> (16 - 8 * c)) & 255;
    const target = { pixels, width, height };
    const thumbnails = scale >= THUMBNAIL_SCALE ? await this.#thumbnailsOf(split, slide, map) : undefined;
    let reads = 0;
    for (const [order, index] of map.patches.entries()) {
      const x = (split.columns.get('x')![index]! - map.left) / DOWNSAMPLE - left;
      const y = (split.columns.get('y')![index]! - map.top) / DOWNSAMPLE - top;
      const outside = x + PATCH_SIZE < 0 || y + PATCH_SIZE < 0 || x > width * scale || y > height * scale;
      if (outside || (!thumbnails && ++reads > MAX_READS)) continue;
      const size = Math.max(MIN_DRAWN_SIZE, Math.round(PATCH_SIZE / scale));
      const patch = thumbnails
        ? {
            pixels: thumbnails.subarray(order * THUMBNAIL_BYTES, (order + 1) * THUMBNAIL_BYTES),
            side: THUMBNAIL_SIZE,
          }
        : { pixels: split.read(index), side: PATCH_SIZE };
      draw(target, patch, { x: Math.round(x / scale), y: Math.round(y / scale), size });
    }
    return await encodeRgb(target);
  }

  /** Shape (patches, 6, 6, 3): the means of 16 x 16 px. */
  #thumbnailsOf(split: BrowseSplit, slide: number, { patches }: SlideMap): Promise<Uint8Array> {
    const key = `${split.name}/${slide}`;
    let made = this.#thumbnails.get(key);
    if (made) return made;
    made = makeThumbnails(split, patches);
    made.catch(() => this.#thumbnails.delete(key));
    this.#thumbnails.set(key, made);
    const [oldest] = this.#thumbnails.keys();
    if (this.#thumbnails.size > MAX_CACHED_SLIDES) this.#thumbnails.delete(oldest!);
    return made;
  }
}

function mapOf({ columns }: BrowseSplit, slide: number): SlideMap {
  const [slides, xs, ys] = [columns.get('slide')!, columns.get('x')!, columns.get('y')!];
  const patches: number[] = [];
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let index = 0; index < slides.length; index++) {
    if (slides[index] !== slide) continue;
    patches.push(index);
    left = Math.min(left, xs[index]!);
    top = Math.min(top, ys[index]!);
    right = Math.max(right, xs[index]!);
    bottom = Math.max(bottom, ys[index]!);
  }
  const width = Math.round((right - left) / DOWNSAMPLE) + PATCH_SIZE;
  const height = Math.round((bottom - top) / DOWNSAMPLE) + PATCH_SIZE;
  const levels = Math.ceil(Math.log2(Math.max(width, height, 1))) + 1;
  return { width, height, levels, left, top, patches: Uint32Array.from(patches) };
}

async function makeThumbnails(split: BrowseSplit, patches: Uint32Array): Promise<Uint8Array> {
  const all = new Uint8Array(patches.length * THUMBNAIL_BYTES);
  for (const [order, index] of patches.entries()) {
    // A slide has thousands of patches: other requests get their turn.
    if (order % 64 === 63) await new Promise((resolve) => setImmediate(resolve));
    const target = {
      pixels: all.subarray(order * THUMBNAIL_BYTES, (order + 1) * THUMBNAIL_BYTES),
      width: THUMBNAIL_SIZE,
      height: THUMBNAIL_SIZE,
    };
    draw(target, { pixels: split.read(index), side: PATCH_SIZE }, { x: 0, y: 0, size: THUMBNAIL_SIZE });
  }
  return all;
}

interface Raster {
  pixels: Uint8Array;
  width: number;
  height: number;
}

/** Draws a square picture at a size: each pixel is the mean of those that it covers, or the nearest one. */
function draw(
  target: Raster,
  { pixels, side }: { pixels: Uint8Array; side: number },
  { x, y, size }: { x: number; y: number; size: number },
): void {
  const step = side / size;
  for (let row = Math.max(0, -y); row < size && y + row < target.height; row++) {
    const [fromRow, toRow] = [
      Math.floor(row * step),
      Math.max(Math.floor(row * step) + 1, Math.floor((row + 1) * step)),
    ];
    for (let column = Math.max(0, -x); column < size && x + column < target.width; column++) {
      const fromColumn = Math.floor(column * step);
      const toColumn = Math.max(fromColumn + 1, Math.floor((column + 1) * step));
      let [r, g, b] = [0, 0, 0];
      for (let v = fromRow; v < toRow; v++) {
        for (let u = fromColumn; u < toColumn; u++) {
          const at = (v * side + u) * CHANNELS;
          r += pixels[at]!;
          g += pixels[at + 1]!;
          b += pixels[at + 2]!;
        }
      }
      const n = (toRow - fromRow) * (toColumn - fromColumn);
      const to = ((y + row) * target.width + x + column) * CHANNELS;
      target.pixels[to] = r / n;
      target.pixels[to + 1] = g / n;
      target.pixels[to + 2] = b / n;
    }
  }
}
