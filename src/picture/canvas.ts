/** An RGB picture in memory that patches, frames and captions are drawn on. */
import { GLYPH_HEIGHT, GLYPH_SPACE, glyphOf } from './font.js';

export type Colour = readonly [red: number, green: number, blue: number];

/** A place on the canvas and the side of the square drawn there, in px. */
export interface Square {
  readonly x: number;
  readonly y: number;
  readonly size: number;
}

export class Canvas {
  readonly width: number;
  readonly height: number;
  /** uint8, shape (height, width, 3), C order. */
  readonly pixels: Uint8Array;

  constructor({ width, height, background }: { width: number; height: number; background: Colour }) {
    this.width = width;
    this.height = height;
    this.pixels = new Uint8Array(width * height * 3);
    for (let i = 0; i < this.pixels.length; i += 3) this.pixels.set(background, i);
  }

  /** Copies a square RGB image, every pixel as it is. */
  image({ x, y, size }: Square, pixels: Uint8Array): void {
    const bytes = size * 3;
    for (let row = 0; row < size; row++) {
      this.pixels.set(pixels.subarray(row * bytes, (row + 1) * bytes), ((y + row) * this.width + x) * 3);
    }
  }

  /** A frame one px wide whose outer edge is the edge of the square. */
  frame({ x, y, size }: Square, colour: Colour): void {
    for (let i = 0; i < size; i++) {
      this.dot(x + i, y, colour);
      this.dot(x + i, y + size - 1, colour);
      this.dot(x, y + i, colour);
      this.dot(x + size - 1, y + i, colour);
    }
  }

  /** Text with its top left corner at (x, y), 7 px high. */
  text({ x, y, text, colour }: { x: number; y: number; text: string; colour: Colour }): void {
    let left = x;
    for (const character of text) {
      const { rows, width } = glyphOf(character);
      for (let row = 0; row < GLYPH_HEIGHT; row++) {
        for (let column = 0; column < width; column++) {
          if (rows[row]![column] === '#') this.dot(left + column, y + row, colour);
        }
      }
      left += width + GLYPH_SPACE;
    }
  }

  dot(x: number, y: number, colour: Colour): void {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return;
    this.pixels.set(colour, (y * this.width + x) * 3);
  }
}
