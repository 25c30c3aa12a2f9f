/** Receipts say what was verified, and nothing once the file may have changed. */
import { readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Receipts } from '#pcam/store/receipts.js';
import { put } from '../support/files.js';
import { temporaryFolder } from '../support/temp.js';

const digests = { md5: 'm', sha256: 's' };

async function recorded() {
  const folder = await put(await temporaryFolder(), { a: 'hello' });
  const path = join(folder, '.pcam', 'receipts.json');
  const look = () => stat(join(folder, 'a'), { bigint: true });
  const receipts = await Receipts.load(path);
  await receipts.record('a', await look(), digests);
  return { folder, path, look, receipts };
}

describe('Receipts', () => {
  it('are there in the next run', async () => {
    const { path, look } = await recorded();
    const receipts = await Receipts.load(path);
    expect(receipts.digests('a', await look(), 'inode')).toEqual(digests);
    expect(receipts.digests('b', await look(), 'mtime')).toBeUndefined();
  });

  it('do not hold for another size or mtime', async () => {
    const { folder, look, receipts } = await recorded();
    await utimes(join(folder, 'a'), 1, 1);
    expect(receipts.digests('a', await look(), 'mtime')).toBeUndefined();
    await receipts.record('a', await look(), digests);
    await writeFile(join(folder, 'a'), 'hello!');
    await utimes(join(folder, 'a'), 1, 1);
    expect(receipts.digests('a', await look(), 'mtime')).toBeUndefined();
  });

  it('hold by mtime alone for bytes that changed under it, and not by inode and ctime', async () => {
    const { folder, look, receipts } = await recorded();
    const { mtime } = await stat(join(folder, 'a'));
    await utimes(join(folder, 'a'), mtime, mtime);
    await receipts.record('a', await look(), digests);
    await writeFile(join(folder, 'a'), 'HELLO');
    await utimes(join(folder, 'a'), mtime, mtime);
    expect(receipts.digests('a', await look(), 'mtime')).toEqual(digests);
    expect(receipts.digests('a', await look(), 'inode')).toBeUndefined();
  });

  it('may have one digest alone', async () => {
    const { path, look, receipts } = await recorded();
    await receipts.record('a', await look(), { sha256: 'f'.repeat(64) });
    expect((await Receipts.load(path)).digests('a', await look(), 'mtime')).toEqual({
      md5: undefined,
      sha256: 'f'.repeat(64),
    });
  });

  it('of a verification beside a download are added to, not replaced', async () => {
    const { path, look, receipts } = await recorded();
    const beside = await Receipts.load(path);
    await receipts.record('b', await look(), digests);
    await beside.record('c', await look(), digests);
    const both = await Receipts.load(path);
    for (const name of ['a', 'b', 'c']) expect(both.digests(name, await look(), 'inode')).toEqual(digests);
  });

  it('of many files at once are all kept', async () => {
    const { path, look, receipts } = await recorded();
    const stats = await look();
    const names = Array.from({ length: 20 }, (_, i) => `file-${i}`).concat('__proto__', 'constructor');
    await Promise.all(names.map((name) => receipts.record(name, stats, digests)));
    const again = await Receipts.load(path);
    for (const name of names) expect(again.digests(name, stats, 'inode')).toEqual(digests);
  });

  it.each([
    '',
    'null',
    '[]',
    '{"version": 2, "files": {}}',
    '{"version": 1, "files": {"a": {"md5": "m"}}}',
    '{"vers',
  ])('that are damaged (%s) are none', async (text) => {
    const { path, look } = await recorded();
    await writeFile(path, text);
    const receipts = await Receipts.load(path);
    expect(receipts.digests('a', await look(), 'mtime')).toBeUndefined();
    await receipts.record('a', await look(), digests);
    expect(JSON.parse(await readFile(path, 'utf8')).files.a.md5).toBe('m');
  });
});
