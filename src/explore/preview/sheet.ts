/** The contact sheet: where each patch goes, its green box, and its caption. */
import { PATCH_SIZE } from '../../core/index.js';
import type { SplitName } from '../../manifest/index.js';
import { Canvas, type Colour, encodeRgb, GLYPH_HEIGHT } from '../../picture/index.js';

/** One patch of a sheet. */
export interface SheetPatch {
  readonly split: SplitName;
  /** Its index in the split. */
  readonly index: number;
  /** `null` where the data set has no labels. */
  readonly label: 0 | 1 | null;
  /** uint8, shape (96, 96, 3), C order. */
  readonly pixels: Uint8Array;
}

/** Where a patch is in the picture, in px: its top left corner and its side. */
export interface PatchPlace {
  readonly x: number;
  readonly y: number;
  readonly size: number;
}

export interface Sheet {
  readonly width: number;
  readonly height: number;
  /** In the order of the patches. */
  readonly places: readonly PatchPlace[];
  /** The PNG file; the same patches give the same bytes on every machine. */
  png(signal?: AbortSignal): Promise<Buffer>;
}

/** Px of the sheet at scale 1. */
const MARGIN = 16;
const GAP = 8;
/** Between a patch and its caption, and below the caption. */
const CAPTION_ABOVE = 4;
const CAPTION_BELOW = 9;

/** The ring one px wide just outside the centre 32 x 32 px, which decide the label. */
export const BOX = { start: 31, size: 34 } as const;
export const GREEN: Colour = [0, 255, 0];
const PAPER: Colour = [255, 255, 255];
const INK: Colour = [64, 64, 64];

const COLUMN = PATCH_SIZE + GAP;
const ROW = PATCH_SIZE + CAPTION_ABOVE + GLYPH_HEIGHT + CAPTION_BELOW;

/** Size of a sheet's picture in px. */
export function sheetSize({ rows, cols, scale }: { rows: number; cols: number; scale: number }): {
  width: number;
  height: number;
} {
  return {
    width: (2 * MARGIN + cols * COLUMN - GAP) * scale,
    height: (2 * MARGIN + rows * ROW - CAPTION_BELOW) * scale,
  };
}

/**
 * Draws patches row by row. Every pixel of a patch becomes `scale` x `scale` pixels of the picture, unchanged but
 * for the green box of positive ones.
 */
export function drawSheet(
  patches: readonly SheetPatch[],
  { cols, scale }: { cols: number; scale: number },
): Sheet {
  const rows = Math.ceil(patches.length / cols);
  const canvas = new Canvas({ ...sheetSize({ rows, cols, scale: 1 }), background: PAPER });
  const places = patches.map((patch, i) => {
    const x = MARGIN + (i % cols) * COLUMN;
    const y = MARGIN + Math.floor(i / cols) * ROW;
    canvas.image({ x, y, size: PATCH_SIZE }, patch.pixels);
    if (patch.label === 1) canvas.frame({ x: x + BOX.start, y: y + BOX.start, size: BOX.size }, GREEN);
    canvas.text({ x, y: y + PATCH_SIZE + CAPTION_ABOVE, text: captionOf(patch), colour: INK });
    return { x: x * scale, y: y * scale, size: PATCH_SIZE * scale };
  });
  return {
    ...sheetSize({ rows, cols, scale }),
    places,
    png: (signal) => encodeRgb(canvas, { scale, signal }),
  };
}

/** `train 1234`. */
export function captionOf({ split, index }: Pick<SheetPatch, 'split' | 'index'>): string {
  return `${split} ${index}`;
}
