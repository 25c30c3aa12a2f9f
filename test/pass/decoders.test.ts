/** What the decoders of a pass hold in memory. */
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { GunzipDecoder } from '#pcam/pass/decoders.js';

const MB = 1024 * 1024;

// Also where the last piece is the one that makes zlib pause.
it.each([200, 8.75, 10])(
  'passes on what a bomb of %d MB decompresses to before it is all there',
  async (size) => {
    const bomb = gzipSync(Buffer.alloc(size * MB), { level: 1 });
    let taken = 0;
    let most = 0;
    const decoder = new GunzipDecoder({
      maxBytes: 1e9,
      sink: async (bytes) => {
        taken += bytes.length;
        most = Math.max(most, bytes.length);
      },
    });
    await decoder.write(bomb);
    expect(taken).toBeGreaterThanOrEqual((size - 10) * MB);
    expect(most).toBeLessThan(2 * MB);
    await decoder.end();
    expect(decoder.problem).toBeUndefined();
    expect(taken).toBe(size * MB);
  },
);
