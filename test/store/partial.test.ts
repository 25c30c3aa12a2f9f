/** A partial download resumes from the chunks that are still right, and from no others. */
import { appendFile, open, readdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createOwner } from '#pcam/fs/owner.js';
import type { DatasetFile } from '#pcam/manifest/types.js';
import { CHUNK_BYTES } from '#pcam/store/chunks.js';
import type { OwnedLayout } from '#pcam/store/layout.js';
import { PartialFile, readJournal, removePartials, statPartials } from '#pcam/store/partial.js';
import { noise, plainFile, put } from '../support/files.js';
import { partialFolder, partialPaths, putPartial } from '../support/part.js';
import { temporaryFolder } from '../support/temp.js';
import { ownFolder } from '../support/workspace.js';

const bytes = noise(3 * CHUNK_BYTES + 1000);
const { file } = plainFile('a.csv', bytes);
const chunk = (index: number) => bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES);

function openIn({ partial: folder, run }: OwnedLayout, of: DatasetFile = file) {
  return PartialFile.open(of, { folder, run });
}

/** A run that has ended, killed before it could remove anything. */
async function ended(...chunks: [index: number, source?: string][]) {
  const dir = await temporaryFolder();
  const path = await putPartial(dir, file, { content: bytes, chunks: [] });
  const owner = { ...(await createOwner('download')), pid: 2 ** 22 + 1 };
  const header = JSON.parse((await readFile(`${path}.journal`, 'utf8')).split('\n')[0]!);
  await writeFile(`${path}.journal`, `${JSON.stringify({ ...header, owner })}\n`);
  for (const [index, source = 'web'] of chunks)
    await appendFile(`${path}.journal`, `c ${index} ${crc32(chunk(index)).toString(16)} ${source}\n`);
  return { dir, path };
}

async function reopened(dir: string, of?: DatasetFile) {
  const { paths, release } = await ownFolder(dir);
  const partial = await openIn(paths, of);
  await partial.close();
  await release();
  return { chunks: [...partial.chunks], resumed: partial.resumed, partial };
}

async function edit(path: string, position: number, content: Buffer) {
  const handle = await open(path, 'r+');
  await handle.write(content, 0, content.length, position);
  await handle.close();
}

describe('PartialFile', () => {
  it('resumes with all chunks that were written, under a name of its own', async () => {
    const dir = await temporaryFolder();
    const { paths, release } = await ownFolder(dir);
    const partial = await openIn(paths);
    await partial.write(0, chunk(0), 'a');
    await partial.write(3, chunk(3), 'b');
    partial.setValidator('a', '"x \\" y"');
    await partial.close();
    await release();
    const again = await reopened(dir);
    expect(again).toMatchObject({ chunks: [0, 3], resumed: CHUNK_BYTES + 1000 });
    expect(again.partial.chunks.validators).toEqual(new Map([['a', '"x \\" y"']]));
    expect(again.partial.path).not.toBe(partial.path);
    expect(partialPaths(dir, 'a.csv')).toEqual([again.partial.path]);
  });

  it('drops a chunk of which one bit turned, and only that, for good', async () => {
    const { dir, path } = await ended([0], [1], [2]);
    await edit(path, CHUNK_BYTES + 500, Buffer.of(bytes[CHUNK_BYTES + 500]! ^ 1));
    const { chunks, partial } = await reopened(dir);
    expect(chunks).toEqual([0, 2]);
    await edit(partial.path, CHUNK_BYTES, chunk(1));
    expect((await reopened(dir)).chunks).toEqual([0, 2]);
  });

  it('drops what was cut off', async () => {
    const { dir, path } = await ended([0], [1]);
    await truncate(path, CHUNK_BYTES + 10);
    expect((await reopened(dir)).chunks).toEqual([0]);
  });

  it('claims nothing without a journal, or for another version of the file', async () => {
    for (const of of [
      { ...file, md5: 'f'.repeat(32) },
      { ...file, bytes: bytes.length + 1 },
    ]) {
      const { dir } = await ended([0], [1]);
      expect((await reopened(dir, of)).resumed).toBe(0);
      expect(partialPaths(dir, 'a.csv')).toHaveLength(1);
    }
  });

  it('renames the file of a run that has ended, and copies that of any other', async () => {
    const { dir, path } = await ended([0]);
    const handle = await open(path, 'r+');
    const { ino } = await handle.stat();
    const { partial } = await reopened(dir);
    const renamed = await open(partial.path);
    expect((await renamed.stat()).ino).toBe(ino);
    await renamed.close();
    await handle.close();

    const elsewhere = await temporaryFolder();
    const other = await putPartial(elsewhere, file, { content: bytes, chunks: [0, 1] });
    const writer = await open(other, 'r+');
    const { chunks, partial: copy } = await reopened(elsewhere);
    expect(chunks).toEqual([0, 1]);
    // The other run writes late.
    await writer.write(Buffer.alloc(10), 0, 10, 0);
    await writer.close();
    expect((await readFile(copy.path)).subarray(0, CHUNK_BYTES).equals(chunk(0))).toBe(true);
  });

  it('takes the best of several, and removes the others', async () => {
    const { dir } = await ended([0]);
    await putPartial(dir, file, { content: bytes, chunks: [0, 1, 2], run: 'b'.repeat(16) });
    await putPartial(dir, file, { content: bytes, chunks: [], run: 'c'.repeat(16) });
    const { chunks, partial } = await reopened(dir);
    expect(chunks).toEqual([0, 1, 2]);
    expect((await readdir(partialFolder(dir))).map((name) => join(partialFolder(dir), name)).sort()).toEqual([
      partial.path,
      `${partial.path}.journal`,
    ]);
  });

  it('makes nothing of a journal without bytes, as a run leaves it that is killed during a take-over', async () => {
    const { dir } = await ended([0]);
    const orphan = join(partialFolder(dir), `a.csv.${'d'.repeat(16)}.journal`);
    const [path] = partialPaths(dir, 'a.csv');
    await writeFile(orphan, await readFile(`${path}.journal`));
    expect((await reopened(dir)).chunks).toEqual([0]);
    expect(await readdir(partialFolder(dir))).toHaveLength(2);
  });

  it('remembers a size that only a source gave once the file is whole by it, and not before', async () => {
    const of = plainFile('a.csv', bytes, { unsized: true }).file;
    const dir = await temporaryFolder();
    const first = await ownFolder(dir);
    const partial = await openIn(first.paths, of);
    partial.setSize(CHUNK_BYTES + 123);
    await partial.write(1, chunk(1).subarray(0, 123), 'a');
    await partial.close();
    await first.release();
    expect((await reopened(dir, of)).partial.chunks).toMatchObject({ size: undefined, bytes: 0 });
    const second = await ownFolder(dir);
    const again = await openIn(second.paths, of);
    again.setSize(CHUNK_BYTES + 123);
    await again.write(0, chunk(0), 'a');
    await again.write(1, chunk(1).subarray(0, 123), 'a');
    await again.close();
    await second.release();
    expect((await reopened(dir, of)).partial.chunks).toMatchObject({
      size: CHUNK_BYTES + 123,
      complete: true,
    });
  });

  it('forgets one source, and its validator, and keeps the others', async () => {
    const { dir } = await ended([0, 'a'], [1, 'b']);
    const { paths, release } = await ownFolder(dir);
    const partial = await openIn(paths);
    for (const source of ['a', 'b']) partial.setValidator(source, `"${source}"`);
    await partial.discard({ from: 'a' });
    await partial.write(2, chunk(2), 'c');
    await partial.close();
    await release();
    const after = await reopened(dir);
    expect(after.chunks).toEqual([1, 2]);
    expect(after.partial.chunks.validators).toEqual(new Map([['b', '"b"']]));
  });

  it('forgets all, and gives the room back', async () => {
    const { dir } = await ended([0], [1]);
    const { paths } = await ownFolder(dir);
    const partial = await openIn(paths);
    await partial.discard('everything');
    expect(partial.chunks.bytes).toBe(0);
    expect((await readFile(partial.path)).length).toBe(0);
    await partial.remove();
    expect(await readdir(paths.partial)).toEqual([]);
  });

  it('notices what another program does to it', async () => {
    const { dir } = await ended([0], [1]);
    const { paths } = await ownFolder(dir);
    const partial = await openIn(paths);
    expect([await partial.isInPlace(), await partial.isUnchanged()]).toEqual([true, true]);
    await truncate(partial.path, 5);
    expect([await partial.isInPlace(), await partial.isUnchanged()]).toEqual([true, false]);
    await removePartials(paths.partial, file, paths.run);
    expect([await partial.isInPlace(), await partial.isUnchanged()]).toEqual([false, false]);
    await writeFile(partial.path, bytes);
    expect(await partial.isInPlace()).toBe(false);
    await partial.close();
  });

  it('starts with whole chunks of what another tool left, and leaves that as it is', async () => {
    const dir = await put(await temporaryFolder(), { 'x.part': bytes.subarray(0, 2 * CHUNK_BYTES + 5) });
    const { paths, release } = await ownFolder(dir);
    const partial = await openIn(paths);
    await partial.copyBeginning(join(dir, 'x.part'), 'import');
    await partial.close();
    await release();
    expect((await reopened(dir)).chunks).toEqual([0, 1]);
    expect(await readFile(join(dir, 'x.part'))).toHaveLength(2 * CHUNK_BYTES + 5);
  });

  it('does not follow a link in the place of its folder', async () => {
    const victim = await temporaryFolder();
    const { paths } = await ownFolder(await temporaryFolder());
    await symlink(victim, paths.partial);
    await expect(openIn(paths)).rejects.toMatchObject({ code: 'NOT_A_FOLDER' });
    expect(await readdir(victim)).toEqual([]);
  });

  it('says how much is there, unchecked', async () => {
    const { dir } = await ended([0]);
    const stats = await statPartials(partialFolder(dir), file);
    expect(stats).toMatchObject({ exists: true, begun: true });
    expect(stats.bytes).toBeGreaterThanOrEqual(bytes.length);
    expect(await statPartials(join(dir, 'none'), file)).toEqual({
      exists: false,
      begun: false,
      bytes: 0,
    });
  });
});

describe('a journal', () => {
  const indices = async (path: string) => [...((await readJournal(path, file))?.chunks.keys() ?? [])];

  it('claims nothing by a line that was torn, wherever it was', async () => {
    const { path } = await ended([0], [1]);
    const journal = `${path}.journal`;
    const text = await readFile(journal, 'utf8');
    for (let length = text.length - 1; length >= 0; length--) {
      await truncate(journal, length);
      const whole = text.slice(0, length).split('\n').length - 1;
      expect(await indices(journal)).toEqual([0, 1].slice(0, Math.max(0, whole - 1)));
    }
  });

  it.each([
    'garbage',
    'c -1 0 web',
    'c 9999999999999 0 web',
    'c 2 xyz web',
    'c 2 0',
    'v web "open',
    's -5',
    's 9999999999999999',
    '\0\0\0\0',
    '',
  ])('passes over %j', async (line) => {
    const { path } = await ended([0], [1]);
    await appendFile(`${path}.journal`, `${line}\n`);
    expect(await readJournal(`${path}.journal`, file)).toMatchObject({ size: undefined });
    expect(await indices(`${path}.journal`)).toEqual([0, 1]);
  });

  it('is none where its bytes are no text', async () => {
    const { path } = await ended([0]);
    await writeFile(`${path}.journal`, Buffer.alloc(1000, 0xff));
    expect(await readJournal(`${path}.journal`, file)).toBeUndefined();
  });
});
