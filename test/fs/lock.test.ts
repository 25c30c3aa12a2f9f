/** One run at a time in a folder, and no lock outlives its run. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { acquireLock } from '#pcam/fs/lock.js';
import { pcamError } from '../support/outcome.js';
import { temporaryFolder } from '../support/temp.js';

const command = 'download';

async function lockPath(): Promise<string> {
  return join(await temporaryFolder(), '.pcam', 'lock');
}

async function left(content: string): Promise<string> {
  const path = await lockPath();
  await (await acquireLock(path, { command })).release(); // makes the folder
  await writeFile(path, content);
  return path;
}

it('keeps a second run out, says who is in, and lets go', async () => {
  const path = await lockPath();
  const lock = await acquireLock(path, { command });
  const error = await pcamError(acquireLock(path, { command: 'verify --fix' }));
  expect(error).toMatchObject({ code: 'LOCKED', exitCode: 5 });
  expect(error.message).toContain(String(process.pid));
  await lock.release();
  expect(existsSync(path)).toBe(false);
  await (await acquireLock(path, { command })).release();
});

it('lets one of many in', async () => {
  const path = await lockPath();
  const tries = await Promise.allSettled(Array.from({ length: 8 }, () => acquireLock(path, { command })));
  const locks = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  expect(locks).toHaveLength(1);
  await locks[0]!.release();
});

it.each(['{"pid": 12, "ho', ''])('lets one of many in that find a dead one (%j)', async (content) => {
  for (let round = 0; round < 4; round++) {
    const path = await left(content);
    const tries = await Promise.allSettled(Array.from({ length: 12 }, () => acquireLock(path, { command })));
    const locks = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(locks).toHaveLength(1);
    await locks[0]!.release();
    expect(await readdir(dirname(path))).toEqual([]);
  }
});

it('is not kept out by a crash while a dead one was removed', async () => {
  const path = await left('torn');
  await writeFile(`${path}.clearing`, '');
  const long = new Date(Date.now() - 3_600_000);
  await utimes(`${path}.clearing`, long, long);
  await (await acquireLock(path, { command })).release();
});

it('takes over from a process that is gone', async () => {
  const child = spawn(process.execPath, ['-e', '']);
  await new Promise((resolve) => child.on('exit', resolve));
  const path = await left(JSON.stringify({ pid: child.pid, host: hostname(), started: '1', command }));
  await (await acquireLock(path, { command })).release();
});

it('takes over when the number of the process belongs to a later one', async () => {
  const path = await left(JSON.stringify({ pid: process.pid, host: hostname(), started: '1', command }));
  await (await acquireLock(path, { command })).release();
});

it('respects another machine while it touches the lock, and not for ever', async () => {
  const path = await left(JSON.stringify({ pid: 1, host: `not-${hostname()}`, started: '1', command }));
  expect((await pcamError(acquireLock(path, { command }))).code).toBe('LOCKED');
  const long = new Date(Date.now() - 3_600_000);
  await utimes(path, long, long);
  await (await acquireLock(path, { command })).release();
});

it.each([
  ['empty', ''],
  ['torn', '{"pid": 12, "ho'],
  ['of another program', 'hello'],
  ['with a number that is no process', JSON.stringify({ pid: -1, host: hostname() })],
])('takes over a lock that is %s', async (_, content) => {
  const path = await left(content);
  await (await acquireLock(path, { command })).release();
});

it('does not remove a lock that is no longer its own', async () => {
  const path = await lockPath();
  const lock = await acquireLock(path, { command });
  await writeFile(path, 'theirs');
  await lock.release();
  expect(await readFile(path, 'utf8')).toBe('theirs');
});
