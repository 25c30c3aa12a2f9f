/** Renames that were killed half-way are finished by the next run, at whatever rename it was. */
import { existsSync } from 'node:fs';
import fs, { readdir, readFile, rm } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layout, type OwnedLayout } from '#pcam/store/layout.js';
import { finishMoves, type Move, moveAll } from '#pcam/store/moves.js';
import { put } from '../support/files.js';
import { temporaryFolder } from '../support/temp.js';
import { type Owned, ownFolder } from '../support/workspace.js';

const CASES: [string, Record<string, string>, Move[], Record<string, string>][] = [
  [
    'two that are swapped',
    { a: 'B', b: 'A' },
    [
      { from: 'a', to: 'b' },
      { from: 'b', to: 'a' },
    ],
    { a: 'A', b: 'B' },
  ],
  [
    'a circle of three',
    { a: 'B', b: 'C', c: 'A' },
    [
      { from: 'a', to: 'b' },
      { from: 'b', to: 'c' },
      { from: 'c', to: 'a' },
    ],
    { a: 'A', b: 'B', c: 'C' },
  ],
  ['one onto wrong bytes', { a: 'B', b: 'wrong' }, [{ from: 'a', to: 'b' }], { b: 'B' }],
  [
    'a chain with a free end',
    { a: 'B', b: 'C' },
    [
      { from: 'a', to: 'b' },
      { from: 'b', to: 'c' },
    ],
    { b: 'B', c: 'C' },
  ],
];

/** Runs something whose renames fail after the first `most`; true when it came to that. */
async function stoppedAfter(most: number, run: () => Promise<void>): Promise<boolean> {
  const real = fs.rename;
  let done = 0;
  let stopped = false;
  fs.rename = (from, to) => {
    if (done++ < most) return real(from, to);
    stopped = true;
    return Promise.reject(new Error('killed'));
  };
  syncBuiltinESMExports();
  try {
    await run().catch((error) => {
      if (!stopped) throw error;
    });
  } finally {
    fs.rename = real;
    syncBuiltinESMExports();
  }
  return stopped;
}

async function content(dir: string): Promise<Record<string, string>> {
  const names = (await readdir(dir)).filter((name) => name !== '.pcam').sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(dir, name), 'utf8')])),
  );
}

const KNOWN = ['a', 'b', 'c', 'd'];

/** Right is what the test expects in the end. */
function rightIn(paths: OwnedLayout, after: Record<string, string>) {
  return async (name: string) =>
    (await readFile(paths.final(name), 'utf8').catch(() => undefined)) === after[name];
}

/** The next run, after one that was killed and left its lock and its directory. */
async function nextRun(dir: string): Promise<Owned> {
  await rm(layout(dir).lock, { force: true });
  return ownFolder(dir);
}

describe.each(CASES)('%s', (_, before, moves, after) => {
  it('are renamed', async () => {
    const { paths } = await ownFolder(await put(await temporaryFolder(), before));
    const isRight = rightIn(paths, after);
    await moveAll(paths, moves, isRight);
    expect(await content(paths.dir)).toEqual(after);
    await finishMoves(paths, { known: KNOWN, isRight });
    expect(await content(paths.dir)).toEqual(after);
    expect(existsSync(paths.moves)).toBe(false);
  });

  it('are renamed by the next run when this one is killed at any rename', async () => {
    for (let most = 0, killed = true; killed; most++) {
      const dir = await put(await temporaryFolder(), before);
      let { paths } = await ownFolder(dir);
      const isRight = rightIn(paths, after);
      killed = await stoppedAfter(most, () => moveAll(paths, moves, isRight));
      // The next run may be killed as well.
      ({ paths } = await nextRun(dir));
      await stoppedAfter(most % 3, () => finishMoves(paths, { known: KNOWN, isRight }));
      const last = await nextRun(dir);
      await finishMoves(last.paths, { known: KNOWN, isRight });
      // Before the first file is aside there is nothing to finish.
      const expected = most < 2 ? before : after;
      expect(await content(dir), `killed after ${most} renames`).toEqual(expected);
      await last.release();
      expect(await readdir(join(paths.state, 'tmp')).catch(() => [])).toEqual([]);
    }
  });
});

describe('a plan', () => {
  const swap: Move[] = [
    { from: 'a', to: 'b' },
    { from: 'b', to: 'a' },
  ];
  const after = { a: 'A', b: 'B' };

  /** A run that is killed after some renames. */
  async function killedAfter(most: number): Promise<string> {
    const dir = await put(await temporaryFolder(), { a: 'B', b: 'A' });
    const { paths } = await ownFolder(dir);
    await stoppedAfter(most, () => moveAll(paths, swap, rightIn(paths, after)));
    return dir;
  }

  async function finished(dir: string): Promise<Record<string, string>> {
    const { paths, release } = await nextRun(dir);
    await finishMoves(paths, { known: KNOWN, isRight: rightIn(paths, after) });
    expect(existsSync(paths.moves)).toBe(false);
    await release();
    return content(dir);
  }

  it('that moved nothing is dropped, and what was repaired by hand stays', async () => {
    const dir = await killedAfter(1);
    await put(dir, { a: 'A', b: 'B' });
    expect(await finished(dir)).toEqual(after);
  });

  it('that failed goes back to what was there, and leaves nothing behind', async () => {
    const dir = await put(await temporaryFolder(), { a: 'B', b: 'A' });
    const { paths } = await ownFolder(dir);
    const withdraw = paths.workspace.withdraw.bind(paths.workspace);
    paths.workspace.withdraw = (path, as) =>
      path === paths.final('b') ? Promise.reject(new Error('no')) : withdraw(path, as);
    await expect(moveAll(paths, swap, rightIn(paths, after))).rejects.toThrow('no');
    expect(await content(dir)).toEqual({ a: 'B', b: 'A' });
    expect(existsSync(paths.moves)).toBe(false);
  });

  it.each([2, 3])('is never carried out over right files (killed after %d renames)', async (most) => {
    const dir = await killedAfter(most);
    await put(dir, { a: 'A', b: 'B' });
    expect(await finished(dir)).toEqual(after);
  });

  it('does not move a file that is not the one that was planned', async () => {
    const dir = await killedAfter(2); // a is aside, b is to follow
    await put(dir, { b: 'something else' });
    expect(await finished(dir)).toEqual({ b: 'B' });
  });

  it.each(['{', '[]', '{"version":2,"steps":[{"from":"../x","to":"a","file":{"ino":"1"}}]}', 'null'])(
    'that is made up (%s) is no plan',
    async (text) => {
      const dir = await put(await temporaryFolder(), { a: 'A', '.pcam/moves.json': text });
      expect(await finished(dir)).toEqual({ a: 'A' });
    },
  );
});
