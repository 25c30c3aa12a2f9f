/** Renames that were killed half-way are finished by the next run, at whatever rename it was. */
import fs, { readdir, readFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layout } from '#pcam/store/layout.js';
import { finishMoves, type Move, moveAll } from '#pcam/store/moves.js';
import { put } from '../support/files.js';
import { temporaryFolder } from '../support/temp.js';

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

describe.each(CASES)('%s', (_, before, moves, after) => {
  it('are renamed', async () => {
    const paths = layout(await put(await temporaryFolder(), before));
    await moveAll(paths, moves);
    expect(await content(paths.dir)).toEqual(after);
    await finishMoves(paths, ['a', 'b', 'c', 'd']);
    expect(await content(paths.dir)).toEqual(after);
  });

  it('are renamed by the next run when this one is killed at any rename', async () => {
    for (let most = 0, killed = true; killed; most++) {
      const paths = layout(await put(await temporaryFolder(), before));
      killed = await stoppedAfter(most, () => moveAll(paths, moves));
      if (most === 0)
        expect(await content(paths.dir)).toEqual(before); // not even the plan is there
      // The next run may be killed as well.
      else await stoppedAfter(most % 3, () => finishMoves(paths, ['a', 'b', 'c', 'd']));
      await finishMoves(paths, ['a', 'b', 'c', 'd']);
      expect(await content(paths.dir), `killed after ${most} renames`).toEqual(most === 0 ? before : after);
      expect(await readdir(join(paths.state, 'tmp')).catch(() => [])).toEqual([]);
    }
  });
});
