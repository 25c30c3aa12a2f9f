/** Digests of whole files: the same whether a thread computes them or not, and nothing goes on after an end. */
import { rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestFile } from '#pcam/pass/digest.js';
import { InputChanged } from '#pcam/pass/types.js';
import { md5, noise, put, sha256 } from '../support/files.js';
import { failureOf } from '../support/outcome.js';
import { temporaryFolder } from '../support/temp.js';

const { signal } = new AbortController();
/** The first in the calling thread, the others in threads of their own. */
const SIZES = [0, 1, 100_000, 5_000_000, 9_437_184];

describe('digestFile', () => {
  it('gives both digests of files of any size, many at once', async () => {
    const contents = SIZES.map((size, i) => noise(size, i + 1));
    const folder = await put(
      await temporaryFolder(),
      Object.fromEntries(contents.map((bytes, i) => [`f${i}`, bytes])),
    );
    const results = await Promise.all(
      contents.map(({ length }, i) =>
        digestFile({ path: join(folder, `f${i}`), bytes: length, digests: ['md5', 'sha256'], signal }),
      ),
    );
    expect(results.map(({ digests }) => digests)).toEqual(
      contents.map((bytes) => ({ md5: md5(bytes), sha256: sha256(bytes) })),
    );
    const stats = await stat(join(folder, 'f3'), { bigint: true });
    expect(results[3]).toMatchObject({
      bytes: 5_000_000,
      changed: false,
      stats: { ino: stats.ino, size: stats.size },
    });
  });

  it.each([1000, 6_000_000])(
    'of %i bytes computes only what is asked for, and reports its progress',
    async (size) => {
      const folder = await put(await temporaryFolder(), { f: noise(size, 1) });
      const { digests } = await digestFile({
        path: join(folder, 'f'),
        bytes: size,
        digests: ['sha256'],
        signal,
      });
      expect(digests).toEqual({ sha256: sha256(noise(size, 1)) });
    },
  );

  it.each([1000, 6_000_000])(
    'of %i bytes ends with InputChanged when they are fewer, or none',
    async (size) => {
      const folder = await put(await temporaryFolder(), { f: noise(size, 1) });
      const path = join(folder, 'f');
      const cut = digestFile({ path, bytes: size + 1, digests: ['md5'], signal });
      expect(await failureOf(cut)).toBeInstanceOf(InputChanged);
      await rm(path);
      await expect(digestFile({ path, bytes: size, digests: ['md5'], signal })).rejects.toMatchObject({
        code: 'MISSING',
      });
      // The thread that failed is not the one that comes next.
      await put(folder, { f: noise(size, 2) });
      const { digests } = await digestFile({ path, bytes: size, digests: ['md5'], signal });
      expect(digests.md5).toBe(md5(noise(size, 2)));
    },
  );

  it('says when the file was written to meanwhile', async () => {
    const folder = await put(await temporaryFolder(), { f: noise(3_000_000, 1) });
    const path = join(folder, 'f');
    let touched: Promise<void> | undefined;
    const onProgress = () => {
      touched ??= utimes(path, 1, 1);
    };
    const { changed } = await digestFile({ path, bytes: 3_000_000, digests: ['md5'], signal, onProgress });
    await touched;
    expect(changed).toBe(true);
  });

  it.each([1000, 6_000_000])('of %i bytes stops on abort, waiting or in progress', async (size) => {
    const folder = await put(await temporaryFolder(), { f: noise(size, 1) });
    const stop = new AbortController();
    const request = { path: join(folder, 'f'), bytes: size, digests: ['md5' as const], signal: stop.signal };
    const all = Array.from({ length: 8 }, () => digestFile(request));
    stop.abort();
    const outcomes = await Promise.allSettled(all);
    for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { code: 'ABORTED' } });
    await expect(digestFile(request)).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
