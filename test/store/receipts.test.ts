/** Receipts say what was verified, and nothing once the file may have changed. */
import { open, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layout } from '#pcam/store/layout.js';
import { Receipts } from '#pcam/store/receipts.js';
import { noise, put } from '../support/files.js';
import { temporaryFolder } from '../support/temp.js';

const digests = { md5: 'm', sha256: 's' };

async function recorded(content: Buffer | string = 'hello') {
  const dir = await put(await temporaryFolder(), { a: content });
  const look = () => stat(join(dir, 'a'), { bigint: true });
  const receipts = new Receipts(layout(dir));
  await receipts.record('a', await look(), digests);
  return { dir, path: join(dir, '.pcam', 'receipts', 'a.json'), look, receipts };
}

/** Writes to the file and gives it its times back, as a restored backup or CI cache has them. */
async function restore(dir: string, write: (path: string) => Promise<void>): Promise<void> {
  const path = join(dir, 'a');
  const { atime, mtime } = await stat(path);
  await write(path);
  await utimes(path, atime, mtime);
}

/** A file with times that `utimes` can give back exactly, and its receipt. */
async function recordedWhole(content: Buffer) {
  const one = await recorded(content);
  await utimes(join(one.dir, 'a'), 1000, 1000);
  await one.receipts.record('a', await one.look(), digests);
  return one;
}

describe('Receipts', () => {
  it('are there in the next run, one file each', async () => {
    const { dir, look } = await recorded();
    const receipts = new Receipts(layout(dir));
    expect(await receipts.find('a', await look(), 'inode')).toEqual(digests);
    expect(await receipts.find('b', await look(), 'mtime')).toBeUndefined();
    expect(await readdir(join(dir, '.pcam', 'receipts'))).toEqual(['a.json']);
  });

  it('do not hold for another size or mtime', async () => {
    const { dir, look, receipts } = await recorded();
    await utimes(join(dir, 'a'), 1, 1);
    expect(await receipts.find('a', await look(), 'mtime')).toBeUndefined();
    await receipts.record('a', await look(), digests);
    await writeFile(join(dir, 'a'), 'hello!');
    await utimes(join(dir, 'a'), 1, 1);
    expect(await receipts.find('a', await look(), 'mtime')).toBeUndefined();
  });

  it('hold for a restored copy by mtime and samples, and not by inode and ctime', async () => {
    const content = noise(1_000_000);
    const { dir, look, receipts } = await recordedWhole(content);
    await restore(dir, (path) => writeFile(path, content));
    expect(await receipts.find('a', await look(), 'mtime')).toEqual(digests);
    expect(await receipts.find('a', await look(), 'inode')).toBeUndefined();
  });

  it('do not hold for a restored copy with a hole in it, or other bytes in a sample', async () => {
    const content = noise(1_000_000);
    const { dir, look, receipts } = await recordedWhole(content);
    await restore(dir, async (path) => {
      const handle = await open(path, 'w');
      await handle.write(content, 0, 400_000, 0);
      await handle.write(content, 420_000, 580_000, 420_000);
      await handle.close();
    });
    expect(await receipts.find('a', await look(), 'mtime')).toBeUndefined();
    await restore(dir, (path) => writeFile(path, Buffer.concat([Buffer.alloc(1), content.subarray(1)])));
    expect(await receipts.find('a', await look(), 'mtime')).toBeUndefined();
  });

  it('without samples hold by size and mtime', async () => {
    const { dir, look, receipts, path } = await recordedWhole(noise(100));
    const { samples, ...older } = JSON.parse(await readFile(path, 'utf8'));
    expect(samples).toHaveLength(16);
    await writeFile(path, JSON.stringify(older));
    await restore(dir, (file) => writeFile(file, noise(100, 5)));
    expect(await receipts.find('a', await look(), 'mtime')).toEqual(digests);
  });

  it('may have one digest alone', async () => {
    const { dir, look, receipts } = await recorded();
    await receipts.record('a', await look(), { sha256: 'f'.repeat(64) });
    expect(await new Receipts(layout(dir)).find('a', await look(), 'mtime')).toEqual({
      md5: undefined,
      sha256: 'f'.repeat(64),
    });
  });

  it.each(['', 'null', '[]', '{"version":1,"md5":"m"}', '{"version":2,"bytes":5,"md5":"m"}', '{"vers'])(
    'that are damaged (%s) are none',
    async (text) => {
      const { path, look, receipts } = await recorded();
      await writeFile(path, text);
      expect(await receipts.find('a', await look(), 'mtime')).toBeUndefined();
      await receipts.record('a', await look(), digests);
      expect(JSON.parse(await readFile(path, 'utf8')).md5).toBe('m');
    },
  );
});
