import { createHash } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { HuffmanBuilder } from '#pcam/export/encode/huffman.js';
import { encodePng } from '#pcam/export/encode/png.js';
import { decodePng, filterRows } from '../../support/png.js';

/** Numbers that look random and are the same every time (xorshift32). */
function noise(seed: number): () => number {
  let x = seed;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
}

const next = noise(7);
const fills: Record<string, (i: number) => number> = {
  black: () => 0,
  white: () => 255,
  'a gradient': (i) => i % 256,
  'one bright value': (i) => (i === 5000 ? 255 : 0),
  'two values': (i) => (i * i) % 2,
  noise: () => next() & 255,
  'soft noise': () => 120 + (next() % 9),
  'rare values': () => (next() % 1000 === 0 ? next() & 255 : 128 + (next() % 3)),
  extremes: () => (next() & 1) * 255,
};

describe('encodePng', () => {
  for (const side of [96, 32]) {
    it.each(Object.keys(fills))(`gives back %s, ${side} px`, (name) => {
      const pixels = Uint8Array.from({ length: side * side * 3 }, (_, i) => fills[name]!(i));
      const file = Buffer.from(encodePng(pixels, side));
      expect(decodePng(file)).toEqual({ width: side, height: side, pixels });
      // The kernel filters sixteen bytes at a time, the reference one by one.
      const types = Array.from({ length: side }, (_, row) => (row === 0 ? 1 : row % 2 === 0 ? 3 : 4));
      const rows = inflateSync(file.subarray(41, file.length - 16));
      expect(Buffer.compare(rows, filterRows(pixels, side, types))).toBe(0);
    });
  }

  it('refuses a side that its kernel does not fit', () => {
    expect(() => encodePng(new Uint8Array(95 * 95 * 3), 95)).toThrow(RangeError);
  });

  it('has the bytes that it has always had', () => {
    const fixed = noise(11);
    const pixels = Uint8Array.from({ length: 96 * 96 * 3 }, (_, i) => 90 + ((i / 288) | 0) + (fixed() % 40));
    expect(createHash('sha256').update(encodePng(pixels, 96)).digest('hex')).toBe(
      '77c3fd7f2559d499241be969b81be75819c1aee331e0455ea5d15e27d334b5be',
    );
  });

  it('keeps nothing of the patch before', () => {
    const black = new Uint8Array(96 * 96 * 3);
    const before = Uint8Array.from(encodePng(black, 96));
    encodePng(
      Uint8Array.from(black, () => next() & 255),
      96,
    );
    expect(Buffer.compare(encodePng(black, 96), before)).toBe(0);
  });

  it('needs no more bytes than zlib on filtered tissue', () => {
    const soft = Uint8Array.from({ length: 96 * 96 * 3 }, () => 100 + (next() % 30));
    const file = Buffer.from(encodePng(soft, 96));
    const filtered = inflateSync(file.subarray(41, file.length - 16));
    expect(filtered).toHaveLength(96 * 289);
    expect(file.length).toBeLessThan(filtered.length * 0.9);
  });
});

describe('HuffmanBuilder', () => {
  const kraft = (lengths: Uint8Array) =>
    lengths.reduce((sum, length) => sum + (length > 0 ? 2 ** -length : 0), 0);

  it('makes complete codes of limited length', () => {
    // Fibonacci counts make the deepest tree there is.
    const counts = new Uint32Array(24);
    counts.set([1, 1]);
    for (let i = 2; i < counts.length; i++) counts[i] = counts[i - 1]! + counts[i - 2]!;
    for (const limit of [5, 7, 12, 15]) {
      const lengths = new Uint8Array(counts.length);
      new HuffmanBuilder(counts.length, limit).lengths(counts, lengths);
      expect(Math.max(...lengths)).toBeLessThanOrEqual(limit);
      expect(kraft(lengths)).toBe(1);
    }
  });

  it('gives two symbols a bit each and the absent ones none', () => {
    const lengths = new Uint8Array(4);
    new HuffmanBuilder(4, 7).lengths(Uint32Array.of(0, 9, 0, 1), lengths);
    expect([...lengths]).toEqual([0, 1, 0, 1]);
  });
});
