/** The sheet's geometry, pixel by pixel, and what goes to terminals. */
import { describe, expect, it } from 'vitest';
import { captionOf, drawSheet, type SheetPatch, sheetSize } from '#pcam/explore/preview/sheet.js';
import { drawOnTerminal, fitGrid } from '#pcam/explore/preview/terminal.js';
import { SPLITS } from '#pcam/manifest/types.js';
import { glyphOf } from '#pcam/picture/font.js';
import { noise } from '../../support/files.js';
import { decodePng } from '../../support/png.js';

function patches(count: number): SheetPatch[] {
  return Array.from({ length: count }, (_, i) => ({
    split: SPLITS[i % 3]!,
    index: i * 1000,
    label: (i % 2) as 0 | 1,
    pixels: noise(96 * 96 * 3, i + 1),
  }));
}

describe('the sheet', () => {
  it.each([1, 3])(
    'at scale %s shows each pixel, but for the ring around the centre of positive ones',
    async (scale) => {
      const shown = patches(5);
      const sheet = drawSheet(shown, { cols: 3, scale });
      const picture = decodePng(await sheet.png());
      expect(picture).toMatchObject(sheetSize({ rows: 2, cols: 3, scale }));
      expect(picture).toMatchObject({ width: sheet.width, height: sheet.height });
      for (const [i, { x, y, size }] of sheet.places.entries()) {
        expect(size).toBe(96 * scale);
        const wrong = new Set<string>();
        for (let py = 0; py < size; py++) {
          for (let px = 0; px < size; px++) {
            const [row, column] = [Math.floor(py / scale), Math.floor(px / scale)];
            const ring = Math.max(Math.abs(row - 47.5), Math.abs(column - 47.5)) === 16.5;
            const green = ring && shown[i]!.label === 1;
            const at = ((y + py) * picture.width + x + px) * 3;
            for (let c = 0; c < 3; c++) {
              const own = shown[i]!.pixels[(row * 96 + column) * 3 + c];
              const expected = green ? [0, 255, 0][c] : own;
              if (picture.pixels[at + c] !== expected) wrong.add(`${row},${column}`);
            }
          }
        }
        expect([...wrong], `patch ${i}`).toEqual([]);
      }
    },
  );

  it('keeps patches and captions apart', () => {
    const { places, width, height } = drawSheet(patches(12), { cols: 4, scale: 2 });
    const xs = [...new Set(places.map(({ x }) => x))];
    const ys = [...new Set(places.map(({ y }) => y))];
    expect([xs.length, ys.length]).toEqual([4, 3]);
    for (const [a, b] of [...pairs(xs), ...pairs(ys)]) expect(b - a).toBeGreaterThanOrEqual(2 * 96 + 8);
    expect(width).toBeGreaterThan(xs.at(-1)! + 192);
    expect(height).toBeGreaterThan(ys.at(-1)! + 192 + 14);
  });

  it('has a glyph for all that a caption says', () => {
    for (const split of SPLITS) {
      for (const character of captionOf({ split, index: 1234567890 }).replaceAll(' ', '')) {
        expect(glyphOf(character).rows.join(''), character).toContain('#');
      }
    }
  });
});

describe('on a terminal', () => {
  const draw = (graphics: 'kitty' | 'iterm2' | 'blocks', columns = 80) =>
    drawOnTerminal(patches(8), { graphics, cols: 4, scale: 1, columns });

  it('kitty gets the PNG in pieces that it takes', async () => {
    const pieces = [...(await draw('kitty')).matchAll(/\x1b_G([^;]*);([^\x1b]*)\x1b\\/g)];
    expect(pieces[0]![1]).toBe('a=T,f=100,q=2,c=55,m=1');
    expect(pieces.every(([, , data]) => data!.length <= 4096)).toBe(true);
    expect(pieces.slice(1).map(([, keys]) => keys)).toEqual([
      ...pieces.slice(2).map(() => 'q=2,m=1'),
      'q=2,m=0',
    ]);
    const png = Buffer.from(pieces.map(([, , data]) => data).join(''), 'base64');
    expect(Buffer.compare(png, await drawSheet(patches(8), { cols: 4, scale: 1 }).png())).toBe(0);
  });

  it('iTerm2 gets it in one', async () => {
    const [, size, data] = /^\x1b\]1337;File=inline=1;size=(\d+);[^:]*:([^\x07]*)\x07\n$/.exec(
      await draw('iterm2'),
    )!;
    const png = Buffer.from(data!, 'base64');
    expect(png.length).toBe(Number(size));
    expect(decodePng(png).width).toBe(drawSheet(patches(8), { cols: 4, scale: 1 }).width);
  });

  it.each([20, 40, 80, 132, 300])(
    'blocks fit %s columns, with the box green and the caption whole',
    async (columns) => {
      const text = await draw('blocks', columns);
      const lines = text.replaceAll(/\x1b\[[\d;]*m/g, '').split('\n');
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
      expect(text).toContain(';0;255;0');
      expect(text).toContain('test 5000');
      // Every colour is taken back before the line ends.
      for (const line of text.split('\n').filter((one) => one.includes('\x1b')))
        expect(line).toMatch(/\x1b\[0m$/);
    },
  );

  it('the grid fits the window', async () => {
    for (const [columns, rows] of [
      [80, 24],
      [120, 40],
      [30, 10],
      [250, 70],
    ] as const) {
      const grid = fitGrid('blocks', { columns, rows });
      const shown = patches(grid.rows * grid.cols);
      const text = await drawOnTerminal(shown, { graphics: 'blocks', cols: grid.cols, scale: 1, columns });
      // One row of patches is shown wherever it goes.
      expect(text.split('\n').length).toBeLessThanOrEqual(grid.rows > 1 ? rows : Number.POSITIVE_INFINITY);
    }
    expect(fitGrid('kitty', { columns: 80, rows: 24 })).toEqual({ rows: 4, cols: 8 });
  });
});

function pairs(values: readonly number[]): [number, number][] {
  return values.slice(1).map((value, i) => [values[i]!, value]);
}
