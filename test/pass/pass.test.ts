/** One pass: digests and gunzip over a file that may still be growing. */
import { appendFile, open, readFile, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Pass, passOver } from '#pcam/pass/pass.js';
import { InputChanged, type PassOutput } from '#pcam/pass/types.js';
import { md5, noise, put, sha256 } from '../support/files.js';
import { failureOf, pcamError } from '../support/outcome.js';
import { temporaryFolder } from '../support/temp.js';

const { signal } = new AbortController();
const MB = 1024 * 1024;

/** Where the pass runs follows from how large its input and its output may be. */
const PLACES = [
  ['a thread of its own', { size: Number.POSITIVE_INFINITY, maxBytes: 1e9 }],
  ['the thread of the caller', { size: 1, maxBytes: 32 * MB }],
] as const;

describe.each(PLACES)('in %s', (_place, { size, maxBytes }) => {
  async function folderWith(bytes: Buffer) {
    const folder = await put(await temporaryFolder(), { in: bytes });
    const output = (more: Partial<PassOutput> = {}): PassOutput => ({
      path: join(folder, 'out'),
      decode: 'gunzip',
      digests: ['md5'],
      maxBytes,
      ...more,
    });
    return { folder, input: join(folder, 'in'), output };
  }

  async function gunzipped(bytes: Buffer, more: Partial<PassOutput> = {}) {
    const { input, output, folder } = await folderWith(bytes);
    const result = await passOver(bytes.length, {
      input,
      digests: ['md5', 'sha256'],
      output: output(more),
      size,
      signal,
    });
    expect(result.input).toMatchObject({
      bytes: bytes.length,
      digests: { md5: md5(bytes), sha256: sha256(bytes) },
    });
    return { result, folder };
  }

  describe('passOver', () => {
    it.each([0, 1, 512 * 1024, 512 * 1024 + 1, 3 * MB + 17])('digests %d bytes', async (length) => {
      const bytes = noise(length);
      const { input } = await folderWith(bytes);
      const result = await passOver(length, { input, digests: ['md5', 'sha256'], size, signal });
      expect(result).toMatchObject({
        input: { bytes: length, digests: { md5: md5(bytes), sha256: sha256(bytes) } },
      });
    });

    it('copies', async () => {
      const bytes = noise(2 * MB + 5);
      const { input, output, folder } = await folderWith(bytes);
      const result = await passOver(bytes.length, {
        input,
        digests: [],
        output: output({ decode: 'copy' }),
        size,
        signal,
      });
      expect(result.output).toMatchObject({ bytes: bytes.length, digests: { md5: md5(bytes) } });
      expect((await readFile(join(folder, 'out'))).equals(bytes)).toBe(true);
    });

    it.each([
      ['an empty file', Buffer.alloc(0)],
      ['a small one', Buffer.from('hello')],
      ['one that compresses well', Buffer.alloc(5 * MB)],
      ['one that does not', noise(3 * MB)],
    ])('decompresses %s', async (_, plain) => {
      const { result, folder } = await gunzipped(gzipSync(plain));
      expect(result.output).toMatchObject({ bytes: plain.length, digests: { md5: md5(plain) } });
      expect((await readFile(join(folder, 'out'))).equals(plain)).toBe(true);
    });

    it('decompresses an archive of several members, an empty one among them', async () => {
      const parts = [noise(MB, 1), Buffer.alloc(0), noise(700_000, 2)];
      const { result } = await gunzipped(Buffer.concat(parts.map((part) => gzipSync(part))));
      expect(result.output?.digests.md5).toBe(md5(Buffer.concat(parts)));
    });

    const plain = noise(2 * MB);
    const zipped = gzipSync(plain);
    const flipped = Buffer.from(zipped);
    flipped[MB]! ^= 1;
    const wrongSum = Buffer.from(zipped);
    wrongSum[wrongSum.length - 8]! ^= 1;

    it.each<[string, Buffer, string]>([
      ['ends in the middle', zipped.subarray(0, MB), 'ends-early'],
      ['ends in its header', zipped.subarray(0, 5), 'ends-early'],
      ['ends in its last bytes', zipped.subarray(0, -1), 'ends-early'],
      ['is empty', Buffer.alloc(0), 'ends-early'],
      ['is followed by garbage', Buffer.concat([zipped, Buffer.from('garbage')]), 'trailing-bytes'],
      ['is followed by zeros', Buffer.concat([zipped, Buffer.alloc(512)]), 'trailing-bytes'],
      [
        'is followed by what begins as a member',
        Buffer.concat([zipped, Buffer.of(0x1f, 0x8b, 9, 9, 9)]),
        'trailing-bytes',
      ],
      ['is no gzip', plain, 'not-gzip'],
      ['is a web page', Buffer.from('<!doctype html>'), 'not-gzip'],
      ['is damaged', flipped, 'damaged'],
      ['has a wrong checksum', wrongSum, 'damaged'],
    ])('says why, and digests all the same, when the archive %s', async (_, bytes, reason) => {
      const { result } = await gunzipped(bytes);
      expect(result.problem?.reason).toBe(reason);
      expect(result.output).toBeUndefined();
    });

    it('does not write a bomb to the disk', async () => {
      const { result, folder } = await gunzipped(gzipSync(Buffer.alloc(64 * MB)), { maxBytes: MB });
      expect(result.problem?.reason).toBe('too-large');
      expect((await stat(join(folder, 'out'))).size).toBeLessThanOrEqual(2 * MB);
    });

    it('takes an archive that decompresses to just what it may', async () => {
      const { result } = await gunzipped(zipped, { maxBytes: plain.length });
      expect(result.problem).toBeUndefined();
    });

    it('does not write through what lies under the temporary name', async () => {
      const { input, output, folder } = await folderWith(zipped);
      await put(folder, { out: 'x'.repeat(9 * MB) });
      await passOver(zipped.length, { input, digests: [], output: output(), size, signal });
      expect((await stat(join(folder, 'out'))).size).toBe(plain.length);
    });

    it('says so when the input is shorter than it was', async () => {
      const { input } = await folderWith(plain);
      await truncate(input, 100);
      expect(
        await failureOf(passOver(plain.length, { input, digests: ['md5'], size, signal })),
      ).toBeInstanceOf(InputChanged);
    });

    it('says so when the input is gone, or the output cannot be', async () => {
      const { input, output, folder } = await folderWith(zipped);
      const run = (options: Partial<Parameters<typeof passOver>[1]>) =>
        pcamError(passOver(zipped.length, { input, digests: ['md5'], size, signal, ...options }));
      expect(await run({ input: join(folder, 'none') })).toBeInstanceOf(InputChanged);
      expect((await run({ output: output({ path: join(folder, 'no', 'out') }) })).code).toBe('MISSING');
      expect((await run({ output: output({ path: join(input, 'out') }) })).exitCode).toBe(5);
    });
  });

  describe('Pass', () => {
    it('follows a file that grows', async () => {
      const plain = noise(3 * MB);
      const bytes = gzipSync(plain);
      const { input, output } = await folderWith(Buffer.alloc(0));
      const seen: number[] = [];
      const pass = new Pass({
        input,
        digests: ['md5'],
        output: output(),
        size,
        signal,
        onProgress: (n) => seen.push(n),
      });
      let there = 0;
      for (const step of [1, 10, 100_000, 1, 700_000, bytes.length]) {
        const next = bytes.subarray(there, there + step);
        await appendFile(input, next);
        there += next.length;
        pass.available(there);
        pass.available(there - 1); // never goes back
      }
      const result = await pass.end(bytes.length);
      await pass.stop();
      expect(result.input.digests.md5).toBe(md5(bytes));
      expect(result.output?.digests.md5).toBe(md5(plain));
    });

    it('does not read ahead of what is known to be written', async () => {
      const right = noise(MB);
      const { input } = await folderWith(Buffer.alloc(MB)); // zeros, as in a part with holes
      const handle = await open(input, 'r+');
      const pass = new Pass({ input, digests: ['md5'], size, signal });
      await handle.write(right, 0, 1000, 0);
      pass.available(1000);
      await handle.write(right, 1000, MB - 1000, 1000);
      await handle.close();
      expect((await pass.end(MB)).input.digests.md5).toBe(md5(right));
      await pass.stop();
    });

    it('takes bytes that are pushed', async () => {
      const plain = noise(3 * MB);
      const bytes = gzipSync(plain);
      const { output, folder } = await folderWith(Buffer.alloc(0));
      const pass = new Pass({ digests: ['sha256'], output: output(), size, signal });
      for (let at = 0; at < bytes.length; at += 300_000)
        pass.push(Buffer.from(bytes.subarray(at, at + 300_000)));
      const result = await pass.end(bytes.length);
      await pass.stop();
      expect(result.input).toMatchObject({ bytes: bytes.length, digests: { sha256: sha256(bytes) } });
      expect((await readFile(join(folder, 'out'))).equals(plain)).toBe(true);
    });

    it('tells how far it is to whoever waits for that', async () => {
      const bytes = noise(9 * MB);
      const { input } = await folderWith(bytes);
      const pass = new Pass({ input, digests: ['sha256'], size, signal });
      const reached = pass.reached(4 * MB, signal);
      pass.available(8 * MB);
      await reached;
      expect(pass.read).toBeGreaterThanOrEqual(4 * MB);
      const stop = new AbortController();
      const never = pcamError(pass.reached(20 * MB, stop.signal));
      stop.abort();
      expect((await never).code).toBe('ABORTED');
      await pass.stop();
    });

    it('stops at a signal', async () => {
      const { input } = await folderWith(noise(MB));
      const stop = new AbortController();
      const pass = new Pass({ input, digests: ['md5'], size, signal: stop.signal });
      pass.available(10);
      const end = pcamError(pass.end(MB + 10));
      stop.abort();
      expect((await end).code).toBe('ABORTED');
      await pass.stop();
      await pass.stop();
    });
  });
});
