/** Draws a contact sheet on a terminal: as a picture where it can show one, else in 24-bit half blocks. */
import { PATCH_SIZE } from '../../core/index.js';
import { BOX, captionOf, drawSheet, GREEN, type SheetPatch } from './sheet.js';

/** How a terminal shows pictures: kitty's graphics protocol, iTerm2's inline images, or coloured characters. */
export type Graphics = 'kitty' | 'iterm2' | 'blocks';

/** Base64 characters of one kitty command. */
const MAX_KITTY_CHUNK = 4096;
/** Usual width of a character in px, to show a picture about as large as it is. */
const CHARACTER_PX = 8;
/** Columns between two patches drawn in blocks. */
const GAP = 2;
/** A caption such as `train 262143` has to fit under its patch. */
const MIN_WIDTH = 14;
/** Columns at which a patch is easy to see. */
const COMFORTABLE_WIDTH = 18;

export interface TerminalSize {
  /** Characters. */
  readonly columns: number;
  readonly rows: number;
}

/** The grid that fits a terminal when no other one is asked for. */
export function fitGrid(graphics: Graphics, { columns, rows }: TerminalSize): { rows: number; cols: number } {
  if (graphics !== 'blocks') return { rows: 4, cols: 8 };
  const cols = clamp(
    Math.floor((columns + GAP) / (COMFORTABLE_WIDTH + GAP)),
    Math.min(3, maxColumns(columns)),
    8,
  );
  const lines = Math.ceil(blockWidth(columns, cols) / 2) + 2;
  return { rows: clamp(Math.floor((rows - 2) / lines), 1, 4), cols };
}

interface CellDrawing {
  graphics: Graphics;
  cols: number;
  scale: number;
  /** Width of the terminal in characters. */
  columns: number;
  signal?: AbortSignal;
}

/** The lines to write to the terminal. */
export async function drawOnTerminal(
  patches: readonly SheetPatch[],
  { graphics, cols, scale, columns, signal }: CellDrawing,
): Promise<string> {
  if (graphics === 'blocks') return blocks(patches, { cols: Math.min(cols, maxColumns(columns)), columns });
  const sheet = drawSheet(patches, { cols, scale });
  const width = Math.min(columns, Math.ceil(sheet.width / CHARACTER_PX));
  const base64 = (await sheet.png(signal)).toString('base64');
  return graphics === 'kitty' ? kitty(base64, width) : iterm2(base64, width);
}

/** https://sw.kovidgoyal.net/kitty/graphics-protocol/: transmit and display a PNG, with no reply. */
function kitty(base64: string, columns: number): string {
  let text = '';
  for (let at = 0; at < base64.length; at += MAX_KITTY_CHUNK) {
    const more = at + MAX_KITTY_CHUNK < base64.length ? 1 : 0;
    const keys = at === 0 ? `a=T,f=100,q=2,c=${columns},m=${more}` : `q=2,m=${more}`;
    text += `\x1b_G${keys};${base64.slice(at, at + MAX_KITTY_CHUNK)}\x1b\\`;
  }
  return `${text}\n`;
}

/** https://iterm2.com/documentation-images.html */
function iterm2(base64: string, columns: number): string {
  const bytes = Buffer.byteLength(base64, 'base64');
  return `\x1b]1337;File=inline=1;size=${bytes};width=${columns};preserveAspectRatio=1:${base64}\x07\n`;
}

/** Patches as upper half blocks, two pixels a character, and their captions as text. */
function blocks(
  patches: readonly SheetPatch[],
  { cols, columns }: { cols: number; columns: number },
): string {
  const width = blockWidth(columns, cols);
  let text = '';
  for (let start = 0; start < patches.length; start += cols) {
    const row = patches.slice(start, start + cols);
    const pictures = row.map((patch) => shrink(patch, width));
    for (let y = 0; y < width; y += 2) {
      text += `${pictures.map((picture) => blockLine(picture, width, y)).join(' '.repeat(GAP))}\n`;
    }
    const captions = row.map((patch) => captionOf(patch).slice(0, width).padEnd(width));
    text += `${captions.join(' '.repeat(GAP)).trimEnd()}\n\n`;
  }
  return text;
}

/** Width of a patch in characters: even, as a line of characters is two rows of pixels. */
function blockWidth(columns: number, cols: number): number {
  const width = Math.min(PATCH_SIZE, Math.floor((columns + GAP) / cols) - GAP);
  return Math.max(2, width - (width % 2));
}

/** How many patches fit beside each other with their captions. */
function maxColumns(columns: number): number {
  return Math.max(1, Math.floor((columns + GAP) / (MIN_WIDTH + GAP)));
}

/** The patch scaled down to `size` x `size` pixels, with the green box of positive ones. */
function shrink({ pixels, label }: SheetPatch, size: number): Uint8Array {
  const picture = new Uint8Array(size * size * 3);
  const edge = (i: number) => Math.floor((i * PATCH_SIZE) / size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const area = { left: edge(x), right: edge(x + 1), top: edge(y), bottom: edge(y + 1) };
      picture.set(meanColour(pixels, area), (y * size + x) * 3);
    }
  }
  if (label === 1) {
    const first = Math.floor((BOX.start * size) / PATCH_SIZE);
    const last = size - 1 - first;
    for (let i = first; i <= last; i++) {
      for (const [x, y] of [
        [i, first],
        [i, last],
        [first, i],
        [last, i],
      ] as const) {
        picture.set(GREEN, (y * size + x) * 3);
      }
    }
  }
  return picture;
}

interface Area {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

function meanColour(pixels: Uint8Array, { left, right, top, bottom }: Area): [number, number, number] {
  const sums: [number, number, number] = [0, 0, 0];
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      for (let i = 0; i < 3; i++) sums[i]! += pixels[(y * PATCH_SIZE + x) * 3 + i]!;
    }
  }
  const count = (right - left) * (bottom - top);
  return sums.map((sum) => Math.round(sum / count)) as [number, number, number];
}

function blockLine(picture: Uint8Array, width: number, y: number): string {
  const colour = (x: number, row: number) =>
    picture.subarray((row * width + x) * 3, (row * width + x) * 3 + 3).join(';');
  let line = '';
  let before = '';
  for (let x = 0; x < width; x++) {
    const codes = `\x1b[38;2;${colour(x, y)};48;2;${colour(x, y + 1)}m`;
    line += codes === before ? '▀' : `${codes}▀`;
    before = codes;
  }
  return `${line}\x1b[0m`;
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}
