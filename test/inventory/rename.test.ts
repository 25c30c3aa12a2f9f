/** Misplaced files get their own names; a run that is killed at any rename loses nothing, and the next one finishes. */
import fs, { readdir, readFile, rm } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Inventory } from '#pcam/inventory/inventory.js';
import { type Rename, renameMisplaced } from '#pcam/inventory/rename.js';
import { layout, type OwnedLayout } from '#pcam/store/layout.js';
import { Receipts } from '#pcam/store/receipts.js';
import { manifestOf, plainFile, put } from '../support/files.js';
import { temporaryFolder } from '../support/temp.js';
import { type Owned, ownFolder } from '../support/workspace.js';

/** Files a.csv, b.csv, c.csv; their right content is `A`, `B`, `C`. */
const NAMES = ['a.csv', 'b.csv', 'c.csv'];
const manifest = manifestOf(
  NAMES.map((name, i) =>
    plainFile(name, Buffer.from('ABC'[i]!), { split: (['train', 'valid', 'test'] as const)[i]! }),
  ),
  { web: { type: 'http', baseUrl: 'http://127.0.0.1:1' } },
);

const CASES: [string, Record<string, string>, Record<string, string>, Rename[]][] = [
  [
    'two that are swapped',
    { 'a.csv': 'B', 'b.csv': 'A' },
    { 'a.csv': 'A', 'b.csv': 'B' },
    [
      { from: 'a.csv', to: 'b.csv' },
      { from: 'b.csv', to: 'a.csv' },
    ],
  ],
  [
    'a circle of three',
    { 'a.csv': 'B', 'b.csv': 'C', 'c.csv': 'A' },
    { 'a.csv': 'A', 'b.csv': 'B', 'c.csv': 'C' },
    [
      { from: 'a.csv', to: 'b.csv' },
      { from: 'b.csv', to: 'c.csv' },
      { from: 'c.csv', to: 'a.csv' },
    ],
  ],
  [
    'one under the name of wrong bytes',
    { 'a.csv': 'B', 'b.csv': 'wrong' },
    { 'b.csv': 'B' },
    [{ from: 'a.csv', to: 'b.csv' }],
  ],
  [
    'a chain with a free end',
    { 'a.csv': 'B', 'b.csv': 'C' },
    { 'b.csv': 'B', 'c.csv': 'C' },
    [
      { from: 'a.csv', to: 'b.csv' },
      { from: 'b.csv', to: 'c.csv' },
    ],
  ],
];

/** Renames what is misplaced in a folder. */
async function rename(paths: OwnedLayout, names: readonly string[] = NAMES): Promise<Rename[]> {
  const receipts = new Receipts(paths, paths.run);
  const inventory = new Inventory({ dir: paths.dir, manifest, receipts });
  return renameMisplaced({ paths, manifest, inventory, names });
}

/** Runs something whose renames in the folder fail after the first `allowed`; true when it came to that. */
async function killedAfter(allowed: number, run: () => Promise<unknown>): Promise<boolean> {
  const { rename: realRename } = fs;
  let done = 0;
  let isKilled = false;
  fs.rename = (from, to) => {
    // The receipts are written by renames as well, and are not what this is about.
    if (/json$/.test(String(to)) || (!isKilled && done++ < allowed)) return realRename(from, to);
    isKilled = true;
    return Promise.reject(new Error('killed'));
  };
  syncBuiltinESMExports();
  try {
    await run().catch((error) => {
      if (!isKilled) throw error;
    });
  } finally {
    fs.rename = realRename;
    syncBuiltinESMExports();
  }
  return isKilled;
}

async function contents(dir: string): Promise<Record<string, string>> {
  const names = (await readdir(dir)).filter((name) => name !== '.pcam').sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(dir, name), 'utf8')])),
  );
}

/** The next run, after one that was killed and left its lock and its directory. */
async function nextRun(dir: string): Promise<Owned> {
  await rm(layout(dir).lock, { force: true });
  return ownFolder(dir);
}

describe.each(CASES)('%s', (_, before, after, renames) => {
  it('are renamed', async () => {
    const { paths, release } = await ownFolder(await put(await temporaryFolder(), before));
    expect((await rename(paths)).sort((x, y) => (x.from < y.from ? -1 : 1))).toEqual(renames);
    expect(await contents(paths.dir)).toEqual(after);
    expect(await rename(paths)).toEqual([]);
    await release();
    expect(await readdir(paths.temporaries)).toEqual([]);
  });

  it('are renamed in the end when runs are killed at any rename', async () => {
    for (let allowed = 0, isKilled = true; isKilled; allowed++) {
      const dir = await put(await temporaryFolder(), before);
      const first = await ownFolder(dir);
      isKilled = await killedAfter(allowed, () => rename(first.paths));
      const second = await nextRun(dir);
      await killedAfter(allowed % 3, () => rename(second.paths));
      const last = await nextRun(dir);
      await rename(last.paths);
      expect(await contents(dir), `killed after ${allowed} renames`).toEqual(after);
      await last.release();
      expect(await readdir(last.paths.temporaries)).toEqual([]);
    }
  });
});

describe('a file that a killed run had set aside', () => {
  /** A run was killed when the bytes of b were aside, and no other file was renamed. */
  async function killed(): Promise<string> {
    const dir = await put(await temporaryFolder(), { 'a.csv': 'B', 'b.csv': 'A' });
    const { paths } = await ownFolder(dir);
    await killedAfter(1, () => rename(paths));
    expect(await contents(dir)).toEqual({ 'b.csv': 'A' });
    return dir;
  }

  it('gets its name before anything else, and no right bytes are buried', async () => {
    const { paths } = await nextRun(await killed());
    await rename(paths, []);
    expect(await contents(paths.dir)).toEqual({ 'a.csv': 'A', 'b.csv': 'B' });
  });

  it('is a second copy where the folder was repaired by hand', async () => {
    const dir = await killed();
    await put(dir, { 'a.csv': 'A', 'b.csv': 'B' });
    const { paths, release } = await nextRun(dir);
    await rename(paths, []);
    expect(await contents(dir)).toEqual({ 'a.csv': 'A', 'b.csv': 'B' });
    await release();
    expect(await readdir(paths.temporaries)).toEqual([]);
  });

  it('stays aside as long as its bytes are none of the manifest', async () => {
    const dir = await put(await temporaryFolder(), { '.pcam/tmp/dead/aside.1': 'unknown' });
    for (let runs = 0; runs < 2; runs++) {
      const { paths, release } = await ownFolder(dir);
      await rename(paths);
      const asides = await paths.run.asides();
      expect(await readFile(asides[0]!, 'utf8')).toBe('unknown');
      await release();
    }
    expect(await contents(dir)).toEqual({});
  });

  it('is not taken for the one that was read, where another program has replaced it', async () => {
    const dir = await put(await temporaryFolder(), { 'a.csv': 'B' });
    const { paths } = await ownFolder(dir);
    const setAside = paths.run.setAside.bind(paths.run);
    paths.run.setAside = async (path) => {
      await put(dir, { 'a.csv': 'something else' });
      return setAside(path);
    };
    expect(await rename(paths)).toEqual([]);
    expect(await contents(dir)).toEqual({});
  });
});
