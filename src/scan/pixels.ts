/** Brightness, saturation and tissue of a patch, measured exactly from its pixels, four at a time. */
import { PATCH_BYTES } from '../core/index.js';

const WORDS = PATCH_BYTES / 4;
const PIXELS = PATCH_BYTES / 3;
/** A pixel belongs to tissue, and not to glass, when its largest and smallest channel differ by more than this. */
const MAX_GLASS_RANGE = 20;
/** Saturation is summed up in steps of 2 ** -16, beside pixels of tissue in units of 2 ** 32: whole numbers, exact. */
const SATURATION_UNIT = 2 ** 16;
const TISSUE_UNIT = 2 ** 32;

/** By two bytes of a word: the larger one in the high byte, the smaller one in the low byte. */
const SORTED = new Uint16Array(65_536);
/** By the largest and the smallest channel of a pixel: its saturation, (max - min) / max, and whether it is tissue. */
const MEASURES = new Float64Array(65_536);
for (let high = 0; high < 256; high++) {
  for (let low = 0; low <= high; low++) {
    SORTED[(high << 8) | low] = (high << 8) | low;
    SORTED[(low << 8) | high] = (high << 8) | low;
    const range = high - low;
    const saturation = Math.round((range / Math.max(1, high)) * SATURATION_UNIT);
    MEASURES[(high << 8) | low] = saturation + (range > MAX_GLASS_RANGE ? TISSUE_UNIT : 0);
  }
}

export interface PixelMeasures {
  /** Mean of all values, 0 to 255. */
  readonly brightness: number;
  /** Mean saturation (S of HSV), 0 to 1. */
  readonly saturation: number;
  /** Share of pixels that are tissue, 0 to 1. */
  readonly tissue: number;
}

/** @param from where the patch begins in `words`, which holds its bytes four by four, little-endian */
export function measurePixels(words: Uint32Array, from: number): PixelMeasures {
  let sum = 0;
  let measures = 0;
  for (let i = from, end = from + WORDS; i < end; i += 3) {
    const one = words[i]!;
    const two = words[i + 1]!;
    const three = words[i + 2]!;
    sum += bytesOf(one) + bytesOf(two) + bytesOf(three);
    measures +=
      measuresOf(SORTED[one & 0xffff]!, (one >>> 16) & 0xff) +
      measuresOf(SORTED[two & 0xffff]!, one >>> 24) +
      measuresOf(SORTED[two >>> 16]!, three & 0xff) +
      measuresOf(SORTED[three >>> 16]!, (three >>> 8) & 0xff);
  }
  const tissue = Math.floor(measures / TISSUE_UNIT);
  return {
    brightness: sum / PATCH_BYTES,
    saturation: (measures - tissue * TISSUE_UNIT) / SATURATION_UNIT / PIXELS,
    tissue: tissue / PIXELS,
  };
}

/** The sum of the four bytes of a word. */
function bytesOf(word: number): number {
  const pairs = (word & 0x00ff00ff) + ((word >>> 8) & 0x00ff00ff);
  return (pairs & 0xffff) + (pairs >>> 16);
}

/** Two channels of a pixel, sorted, and the third one. No branches: noise would make half of them go wrong. */
function measuresOf(sorted: number, third: number): number {
  const above = (sorted >> 8) - third;
  const below = third - (sorted & 0xff);
  const max = third + (above & ~(above >> 31));
  const min = third - (below & ~(below >> 31));
  return MEASURES[(max << 8) | min]!;
}
