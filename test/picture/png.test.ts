/** Pictures as zlib and a plain decoder read them back. */
import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { PcamError } from '#pcam/core/errors.js';
import { encodeIndexed, encodeRgb } from '#pcam/picture/png.js';
import { generator, noise, sha256 } from '../support/files.js';
import { chunksOf, decodePng } from '../support/png.js';

/** Runs, repeats from near and far, and noise. */
function mixture(length: number, seed: number): Uint8Array {
  const next = generator(seed);
  const bytes = noise(length, seed);
  for (let at = 0; at < length; ) {
    const n = Math.floor(next() * 900);
    const choice = next();
    if (choice < 0.3) bytes.fill(Math.floor(next() * 4), at, Math.min(length, at + n));
    else if (choice < 0.7 && at > 0) {
      const from = Math.max(0, at - 1 - Math.floor(next() * 40_000));
      for (let i = 0; i < n && at + i < length; i++) bytes[at + i] = bytes[from + i]!;
    }
    at += n + 1;
  }
  return bytes;
}

describe('a PNG', () => {
  it.each([1, 2, 3])('of RGB pixels has each of them %s times, both ways', async (scale) => {
    const [width, height] = [37, 19];
    const pixels = noise(width * height * 3, 5);
    const decoded = decodePng(await encodeRgb({ width, height, pixels }, { scale }));
    expect([decoded.width, decoded.height]).toEqual([width * scale, height * scale]);
    for (let y = 0; y < height * scale; y++) {
      for (let x = 0; x < width * scale; x++) {
        const from = (Math.floor(y / scale) * width + Math.floor(x / scale)) * 3;
        const at = (y * decoded.width + x) * 3;
        expect([...decoded.pixels.subarray(at, at + 3)]).toEqual([...pixels.subarray(from, from + 3)]);
      }
    }
  });

  it.each([1, 1024, 1025, 4000])(
    'of %s rows that repeat each other from near and far has each pixel',
    async (height) => {
      const pixels = mixture(37 * height * 3, height);
      const decoded = decodePng(await encodeRgb({ width: 37, height, pixels }));
      expect(Buffer.compare(decoded.pixels, pixels)).toBe(0);
    },
  );

  it('that is large lets other work run, and stops on abort', async () => {
    const [width, height] = [2000, 1000];
    const stop = new AbortController();
    setTimeout(() => stop.abort(new PcamError('ABORTED', 'enough')), 20);
    const picture = encodeRgb({ width, height, pixels: noise(width * height * 3) }, { signal: stop.signal });
    await expect(picture).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('of few colours keeps the number of each pixel', () => {
    const [width, height] = [13, 7];
    const indices = noise(width * height).map((value) => value % 4);
    const palette = [0, 1, 2, 3].map((i) => [i, 2 * i, 3 * i, i * 85] as const);
    const chunks = chunksOf(encodeIndexed({ width, height, indices, palette }));
    expect(chunks.map(({ type }) => type)).toEqual(['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND']);
    const raw = inflateSync(chunks[3]!.body);
    const found = [...indices.keys()].map((i) => {
      const [x, y] = [i % width, Math.floor(i / width)];
      return (raw[y * 5 + 1 + (x >> 2)]! >> (6 - 2 * (x % 4))) & 3;
    });
    expect(found).toEqual([...indices]);
  });

  it('has the bytes that it had on the day this was written', async () => {
    const pixels = mixture(90 * 60 * 3, 8);
    expect(sha256(await encodeRgb({ width: 90, height: 60, pixels }, { scale: 2 }))).toMatchInlineSnapshot(
      `"40bc64a93d91ff315a67687562cc5b6690431f8bccf5ee3e11d2cd3421922380"`,
    );
  });
});
