/** A part resumes from the ranges that are still right, and from no others. */
import { open, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { OwnedLayout } from '#pcam/store/layout.js';
import { OwnedPartStore } from '#pcam/store/part-store.js';
import { noise, plainFile, put } from '../support/files.js';
import { pcamError } from '../support/outcome.js';
import { temporaryFolder } from '../support/temp.js';
import { ownFolder } from '../support/workspace.js';

const bytes = noise(10_000);
const { file } = plainFile('a.csv', bytes);

async function begun(...ranges: [number, number, string?][]) {
  const { paths } = await ownFolder(await temporaryFolder());
  const part = await new OwnedPartStore(paths).open(file);
  for (const [start, end, source = 'web'] of ranges)
    await part.write(start, bytes.subarray(start, end), source);
  await part.close();
  return paths;
}

async function reopened(paths: OwnedLayout, of = file) {
  const part = await new OwnedPartStore(paths).open(of);
  const state = {
    done: [...part.done.ranges],
    resumed: part.resumed,
    size: part.size,
  };
  await part.close();
  return { ...state, part };
}

describe('PartFile', () => {
  it('resumes with all that was written', async () => {
    const paths = await begun([0, 1000], [4000, 6000]);
    expect(await reopened(paths)).toMatchObject({
      done: [
        { start: 0, end: 1000 },
        { start: 4000, end: 6000 },
      ],
      resumed: 3000,
      size: 10_000,
    });
  });

  it('drops a range whose bytes the disk lost, and only that', async () => {
    const paths = await begun([0, 1000], [1000, 2000], [2000, 3000]);
    const handle = await open(paths.part(file.name), 'r+');
    await handle.write(Buffer.alloc(1000), 0, 1000, 1000);
    await handle.close();
    expect((await reopened(paths)).done).toEqual([
      { start: 0, end: 1000 },
      { start: 2000, end: 3000 },
    ]);
  });

  it('drops a range of which one bit turned', async () => {
    const paths = await begun([0, 1000], [1000, 2000]);
    const handle = await open(paths.part(file.name), 'r+');
    await handle.write(Buffer.of(bytes[500]! ^ 1), 0, 1, 500);
    await handle.close();
    expect((await reopened(paths)).done).toEqual([{ start: 1000, end: 2000 }]);
  });

  it('drops what was cut off', async () => {
    const paths = await begun([0, 1000], [1000, 2000]);
    await truncate(paths.part(file.name), 1500);
    expect((await reopened(paths)).done).toEqual([{ start: 0, end: 1000 }]);
  });

  it('forgets for good what it dropped', async () => {
    const paths = await begun([0, 1000]);
    await truncate(paths.part(file.name), 10);
    await reopened(paths);
    await writeFile(paths.part(file.name), bytes);
    expect((await reopened(paths)).resumed).toBe(0);
  });

  it('claims nothing without a journal, or for another version of the file', async () => {
    const paths = await begun([0, 1000]);
    expect((await reopened(paths, { ...file, md5: 'f'.repeat(32) })).resumed).toBe(0);
  });

  it('checks ranges that are longer than its buffer', async () => {
    const large = noise(3_000_000);
    const of = plainFile('b.csv', large).file;
    const { paths } = await ownFolder(await temporaryFolder());
    const part = await new OwnedPartStore(paths).open(of);
    await part.write(0, large, 'web');
    await part.close();
    expect((await reopened(paths, of)).resumed).toBe(large.length);
  });

  it('remembers a size that only a source gave once the part is whole by it, and not before', async () => {
    const of = plainFile('c.csv', bytes, { unsized: true }).file;
    const { paths } = await ownFolder(await temporaryFolder());
    const part = await new OwnedPartStore(paths).open(of);
    await part.setSize(123);
    await part.write(0, bytes.subarray(0, 100), 'a');
    await part.close();
    expect(await reopened(paths, of)).toMatchObject({ size: undefined });
    const again = await new OwnedPartStore(paths).open(of);
    await again.setSize(123);
    await again.write(100, bytes.subarray(100, 123), 'a');
    await again.close();
    expect(await reopened(paths, of)).toMatchObject({ size: 123 });
  });

  it('is complete when the last byte is in, and knows who gave how much', async () => {
    const paths = await begun([5000, 10_000, 'b']);
    const part = await new OwnedPartStore(paths).open(file);
    const grown: number[] = [];
    part.onWritten = () => grown.push(part.done.prefix);
    expect(part.complete).toBe(false);
    await part.write(1000, bytes.subarray(1000, 5000), 'a');
    await part.write(0, bytes.subarray(0, 1000), 'a');
    expect(part.complete).toBe(true);
    expect(grown).toEqual([0, 10_000]);
    expect(part.contributions()).toEqual(
      new Map([
        ['b', 5000],
        ['a', 5000],
      ]),
    );
    await part.close();
    expect(await readFile(part.path)).toEqual(bytes);
  });

  it('forgets one source, and its validator, and keeps the others', async () => {
    const paths = await begun([0, 1000, 'a'], [1000, 2000, 'b']);
    const part = await new OwnedPartStore(paths).open(file);
    await part.setValidator('a', '"1"');
    await part.setValidator('b', '"2"');
    await part.close();
    await new OwnedPartStore(paths).forget(file, 'a');
    const after = await reopened(paths);
    expect(after.done).toEqual([{ start: 1000, end: 2000 }]);
    expect(after.part.validatorOf('a')).toBeUndefined();
    expect(after.part.validatorOf('b')).toBe('"2"');
  });

  it('notices that the part was moved away or cut', async () => {
    const paths = await begun([0, 10_000]);
    const part = await new OwnedPartStore(paths).open(file);
    expect(await part.intact()).toBe(true);
    await truncate(part.path, 5);
    expect(await part.intact()).toBe(false);
    await new OwnedPartStore(paths).discard(file);
    expect(await part.intact()).toBe(false);
    await put(paths.state, { 'parts/a.csv.part': bytes });
    expect(await part.intact()).toBe(false);
    await part.close();
  });

  it('does not write through a link that was planted', async () => {
    const paths = await begun([0, 10]);
    await new OwnedPartStore(paths).discard(file);
    const victim = join(paths.dir, 'victim');
    await writeFile(victim, 'mine');
    await symlink(victim, paths.part(file.name));
    const part = await new OwnedPartStore(paths).open(file);
    await part.write(0, bytes.subarray(0, 10), 'a');
    await part.close();
    expect(await readFile(victim, 'utf8')).toBe('mine');
    expect(await readFile(paths.part(file.name))).toEqual(bytes.subarray(0, 10));
  });

  it('says what is wrong when a file is where its folder belongs', async () => {
    const folder = await put(await temporaryFolder(), { '.pcam': 'a file' });
    expect((await pcamError(ownFolder(folder))).exitCode).toBe(5);
  });

  it('says so when what another tool began is gone', async () => {
    const { paths } = await ownFolder(await temporaryFolder());
    expect((await pcamError(new OwnedPartStore(paths).adopt(file, join(paths.dir, 'none')))).code).toBe(
      'MISSING',
    );
  });

  it('adopts what another tool began, and leaves that as it is', async () => {
    const { paths } = await ownFolder(await temporaryFolder());
    await put(paths.dir, { 'x.part': bytes.subarray(0, 3000) });
    await new OwnedPartStore(paths).adopt(file, join(paths.dir, 'x.part'));
    const part = await new OwnedPartStore(paths).open(file);
    await part.claim(3000, 'import', new AbortController().signal);
    await part.close();
    expect((await reopened(paths)).resumed).toBe(3000);
    expect(await readFile(join(paths.dir, 'x.part'))).toEqual(bytes.subarray(0, 3000));
  });
});
