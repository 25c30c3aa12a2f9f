/**
 * Runs that share a folder and cannot see each other, as containers on one volume do, and runs that are suspended for
 * so long that another one takes over: no wrong file under a final name, and no receipt that vouches for one.
 */
import { existsSync, readFileSync } from 'node:fs';
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { verify } from '#pcam/verify/verify.js';
import { type Script, sourceAt, startServer } from '../support/fault-server.js';
import { hash, type Mini, makeMini } from '../support/mini.js';
import { type Contained, canUnshare, startContained } from '../support/namespace.js';
import { sharedFolder } from '../support/temp.js';

const MB = 1024 * 1024;
const contained = await canUnshare();
const root = await sharedFolder();
afterAll(root.remove);
let folders = 0;

interface Setup extends AsyncDisposable {
  mini: Mini;
  dir: string;
  lock: string;
  download(...more: string[]): Contained;
  /** Bytes that were sent so far. */
  sent(): number;
  manifest: ReturnType<Mini['manifest']>;
}

/** A decompressed file, and one that is committed from its part. */
async function setup(fault?: Script): Promise<Setup> {
  const folder = join(root.folder, String(folders++));
  const mini = await makeMini(join(folder, 'served'), [
    { bytes: 3 * MB, gzip: true },
    { bytes: 2 * MB, kind: 'meta' },
  ]);
  const server = await startServer({ folder: mini.folder, fault, rate: 1_500_000 });
  const dir = join(folder, 'pcam');
  const manifestPath = join(folder, 'manifest.json');
  const sources = { web: sourceAt('http', server.url) };
  await writeFile(manifestPath, JSON.stringify(mini.json(sources)));
  return {
    mini,
    dir,
    lock: join(dir, '.pcam', 'lock'),
    manifest: mini.manifest(sources),
    sent: () => server.requests.reduce((sum, request) => sum + request.sent, 0),
    download: (...more) => startContained(['download', '--manifest', manifestPath, '--dir', dir, ...more]),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; waited < 20_000 && !condition(); waited += 5) await sleep(5);
  expect(condition()).toBe(true);
}

/** As if the heartbeat had been missed for an hour. */
async function miss(lock: string): Promise<void> {
  const then = new Date(Date.now() - 3_600_000);
  await utimes(lock, then, then);
}

/** What is under a final name is right, and every receipt is true. */
async function expectSound({ dir, mini }: Setup): Promise<void> {
  const there = [...mini.contents].filter(([name]) => existsSync(join(dir, name)));
  for (const [name, content] of there)
    expect(content.equals(await readFile(join(dir, name))), `${name} is wrong`).toBe(true);
  for (const [name, text] of await receiptsIn(dir)) {
    const { md5 = '', sha256 = '' } = JSON.parse(text);
    const bytes = mini.contents.get(name) ?? mini.served.get(name);
    expect([hash('md5', bytes!), ''], `receipt of ${name}`).toContain(md5);
    expect([hash('sha256', bytes!), ''], `receipt of ${name}`).toContain(sha256);
  }
}

/** The receipts of a folder by the names of their files. */
async function receiptsIn(dir: string): Promise<Map<string, string>> {
  const folder = join(dir, '.pcam', 'receipts');
  const names = (await readdir(folder).catch(() => [])).sort();
  const read = names.map(
    async (name) => [name.replace('.json', ''), await readFile(join(folder, name), 'utf8')] as const,
  );
  return new Map(await Promise.all(read));
}

async function expectAllThere(one: Setup): Promise<void> {
  await expectSound(one);
  expect((await readdir(one.dir)).sort()).toEqual(['.pcam', ...one.mini.finals].sort());
  expect(await readdir(join(one.dir, '.pcam', 'tmp'))).toEqual([]);
  expect((await verify({ dir: one.dir, manifest: one.manifest })).ok).toBe(true);
}

// Most of their time they wait: for a server that sends slowly, and for each other.
describe.skipIf(!contained).concurrent('in another PID namespace', () => {
  test('a run does not take a lock over whose owner it cannot see', async () => {
    await using one = await setup();
    const first = one.download();
    await until(() => existsSync(one.lock) && one.sent() > 0);
    first.kill('SIGSTOP'); // so that it is not done too soon
    const second = await one.download().ended;
    expect(second.code).toBe(5);
    expect(second.stderr).toContain('in use by');
    first.kill('SIGCONT');
    expect((await first.ended).code).toBe(0);
    await expectAllThere(one);
  });

  // From before the first byte to after the last one: decompression and commit are among what is cut.
  test.each([0, 0.5, 0.9, 1])(
    'a run that is suspended after %d of its bytes, and wakes up after another one has done all, changes nothing',
    async (share) => {
      await using one = await setup();
      const total = [...one.mini.served.values()].reduce((sum, data) => sum + data.length, 0);
      const first = one.download();
      await until(() => existsSync(one.lock) && one.sent() >= share * total);
      first.kill('SIGSTOP');
      if (existsSync(one.lock)) await miss(one.lock);
      const second = await one.download().ended;
      expect(second.code, second.stderr).toBe(0);
      await expectAllThere(one);
      const before = await receiptsIn(one.dir);
      first.kill('SIGCONT');
      const { code, stderr } = await first.ended;
      // 0: it had already let go of the lock when it was stopped.
      expect([0, 5]).toContain(code);
      expect(stderr).toMatch(code === 0 ? '' : /has taken over|the lock of .* is gone/);
      await expectAllThere(one);
      expect(await receiptsIn(one.dir)).toEqual(before);
    },
  );

  test.each([0.2, 0.6])(
    'a run that wakes up beside the one that took over, which is killed after %d more of the bytes: both are right',
    async (share) => {
      await using one = await setup();
      const total = [...one.mini.served.values()].reduce((sum, data) => sum + data.length, 0);
      const first = one.download();
      await until(() => existsSync(one.lock) && one.sent() >= 0.4 * total);
      first.kill('SIGSTOP');
      await miss(one.lock);
      const owner = readFileSync(one.lock, 'utf8');
      const second = one.download('--force');
      const taken = () => existsSync(one.lock) && readFileSync(one.lock, 'utf8') !== owner;
      await until(taken);
      const before = one.sent();
      first.kill('SIGCONT');
      await until(() => one.sent() - before >= share * total);
      second.kill('SIGKILL');
      await second.ended;
      expect((await first.ended).code).toBe(5);
      await expectSound(one);
      await miss(one.lock);
      expect((await one.download().ended).code).toBe(0);
      await expectAllThere(one);
    },
  );
});
