/** One run at a time in a directory; no lock outlives its run, and no run outlives its lock. */
import { existsSync } from 'node:fs';
import fs, { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { withLock } from '#pcam/fs/lock.js';
import { createOwner, stateOf } from '#pcam/fs/owner.js';
import type { RunFolder } from '#pcam/fs/run-folder.js';
import { TestClock } from '../support/clock.js';
import { put } from '../support/files.js';
import { pcamError } from '../support/outcome.js';
import { start } from '../support/process.js';
import { temporaryFolder } from '../support/temp.js';
import { type Held, holdLock } from '../support/workspace.js';

interface Place {
  dir: string;
  path: string;
  temporaries: string;
}

async function place(content?: string): Promise<Place> {
  const dir = await temporaryFolder();
  const state = join(dir, '.pcam');
  if (content !== undefined) await put(state, { lock: content });
  return { dir, path: join(state, 'lock'), temporaries: join(state, 'tmp') };
}

const open = (at: Place, clock?: TestClock) => holdLock({ ...at, command: 'download', clock });

async function expectTaken(at: Place): Promise<void> {
  const { release } = await open(at);
  expect(JSON.parse(await readFile(at.path, 'utf8'))).toMatchObject({ pid: process.pid });
  await release();
  expect(await readdir(join(at.dir, '.pcam'), { recursive: true })).toEqual(['tmp']);
}

/** A lock of a run like this one, but for some fields. */
async function lockOf(fields: object): Promise<string> {
  return JSON.stringify({ ...(await createOwner('download')), ...fields });
}

async function age(path: string, ms: number): Promise<void> {
  const then = new Date(Date.now() - ms);
  await utimes(path, then, then);
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** No process has it. */
const NO_PID = 2 ** 22;

/** Replaces functions of node:fs/promises until the test is over. */
function replaceFs(functions: object): void {
  const real = Object.fromEntries(Object.keys(functions).map((name) => [name, fs[name as 'rename']]));
  Object.assign(fs, functions);
  syncBuiltinESMExports();
  onTestFinished(() => {
    Object.assign(fs, real);
    syncBuiltinESMExports();
  });
}

function systemError(code: string, more: object): Error {
  return Object.assign(new Error(code), { code, ...more });
}

describe('a lock', () => {
  it('keeps a second run out, says who is in, and is released', async () => {
    const at = await place();
    const first = await open(at);
    const error = await pcamError(open(at));
    expect(error).toMatchObject({ code: 'LOCKED', exitCode: 5 });
    expect(error.message).toContain(`process ${process.pid} on ${hostname()} (pcam download)`);
    expect(error.hint).toContain(at.path);
    await first.release();
    await expectTaken(at);
  });

  it.each([undefined, '{"pid": 12, "ho'])('is held by one of many in the end (left: %j)', async (content) => {
    for (let round = 0; round < 5; round++) {
      const at = await place(content);
      if (content !== undefined) await age(at.path, HOUR);
      const tries = await Promise.allSettled(Array.from({ length: 12 }, () => open(at)));
      const won = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      const checks = await Promise.allSettled(won.map(({ run }) => run.check()));
      expect(checks.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1);
      for (const one of tries)
        if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'LOCKED' });
      await Promise.allSettled(won.map(({ release }) => release()));
      await expectTaken(at);
    }
  });

  it('of a process that has ended is taken over at once', async () => {
    const script = join(await temporaryFolder(), 'dead.mjs');
    await writeFile(script, '');
    const { child, ended } = start(script, []);
    await ended;
    await expectTaken(await place(await lockOf({ pid: child.pid, started: '1' })));
  });

  it('of an earlier process with the number of one that runs is taken over', async () => {
    await expectTaken(await place(await lockOf({ started: '1' })));
  });

  it('of a process that runs holds, however old its heartbeat is', async () => {
    const at = await place(await lockOf({}));
    await age(at.path, HOUR);
    expect((await pcamError(open(at))).code).toBe('LOCKED');
  });

  it.each([
    ['on another machine', { host: `not-${hostname()}` }],
    ['in another PID namespace', { namespace: 'pid:[1]', pid: NO_PID }],
    ['on this machine before it was started anew', { boot: 'other', pid: NO_PID }],
    ['of a version that wrote less', { boot: undefined, namespace: undefined, pid: NO_PID }],
    ['that may be a later one with the number', { started: '' }],
  ])('of a process %s holds while its heartbeat is fresh, and no longer', async (_, fields) => {
    const at = await place(await lockOf(fields));
    await age(at.path, 4 * MINUTE);
    expect((await pcamError(open(at))).code).toBe('LOCKED');
    await age(at.path, 6 * MINUTE);
    await expectTaken(at);
    await put(join(at.dir, '.pcam'), { lock: await lockOf(fields) });
    await age(at.path, -6 * MINUTE); // a clock was turned back
    await expectTaken(at);
  });

  it.each([
    ['nothing, after a crash', ''],
    ['half of it', '{"pid":12'],
    ['zeros', '\0\0\0\0'],
    ['something else', '[1,2]'],
    ['no process', JSON.stringify({ pid: -1, host: hostname() })],
  ])('that holds %s is taken, unless it is old', async (_, content) => {
    const at = await place(content);
    expect((await pcamError(open(at))).code).toBe('LOCKED');
    await age(at.path, 6 * MINUTE);
    await expectTaken(at);
  });

  it('that this user may not read is taken, unless it is old', async () => {
    const at = await place(await lockOf({ pid: NO_PID }));
    const { open: realOpen } = fs;
    const denied = systemError('EACCES', { syscall: 'open' });
    // Root may read everything: the refusal is made up.
    const refusing = (path: string, flags: number | string) =>
      /lock$/.test(path) && !(Number(flags) & fs.constants.O_CREAT) && flags !== 'wx'
        ? Promise.reject(denied)
        : realOpen(path, flags);
    replaceFs({ open: refusing });
    expect((await pcamError(open(at))).message).toContain('in use by another run');
    await age(at.path, 6 * MINUTE);
    await (await open(at)).release();
  });

  it('that is a directory is refused, and stays', async () => {
    const at = await place();
    await mkdir(at.path, { recursive: true });
    expect(await pcamError(open(at))).toMatchObject({ code: 'IO', found: 'a directory' });
  });

  it('that cannot be removed in the end is no error, and no lock for longer than its process lives', async () => {
    const at = await place();
    const { rm: realRm } = fs;
    replaceFs({
      rm: (path: string, options: object) =>
        path === at.path ? Promise.reject(systemError('EIO', { syscall: 'unlink' })) : realRm(path, options),
    });
    expect(await withLock({ ...at, command: 'download' }, async () => 'done')).toBe('done');
    expect(existsSync(at.path)).toBe(true);
  });

  it('survives what a file server says once', async () => {
    const at = await place();
    const { open: realOpen } = fs;
    let failures = 1;
    replaceFs({
      open: (path: string, ...rest: [number]) =>
        path === at.path && failures-- > 0
          ? Promise.reject(systemError('Unknown system error -116', { errno: -116, syscall: 'open' }))
          : realOpen(path, ...rest),
    });
    await expectTaken(at);
    expect(failures).toBeLessThan(1);
  });
});

describe('a process', () => {
  it('is alive, has ended, or cannot be seen from here', async () => {
    const own = await createOwner('download');
    expect(await stateOf(own)).toBe(own.started === '' ? 'unknown' : 'alive');
    expect(await stateOf({ ...own, pid: NO_PID })).toBe('ended');
    expect(await stateOf({ ...own, host: 'elsewhere', pid: NO_PID })).toBe('unknown');
    expect(await stateOf({ ...own, namespace: 'pid:[1]', pid: NO_PID })).toBe('unknown');
    // Where nothing tells it from a later process with its number, it is not shown to run.
    expect(await stateOf({ ...own, started: '' })).toBe('unknown');
  });
});

describe('a run', () => {
  /** What another run does that takes the lock over: its own lock, and the directory of the first one taken away. */
  async function takeOver(at: Place): Promise<Held> {
    await rm(at.path);
    return open(at);
  }

  it('touches its lock, and not that of a successor', async () => {
    const at = await place();
    const clock = new TestClock();
    const { run, release } = await open(at, clock);
    await age(at.path, HOUR);
    await clock.advance(16_000);
    await expect.poll(async () => Date.now() - (await stat(at.path)).mtimeMs).toBeLessThan(MINUTE);
    expect(JSON.parse(await readFile(at.path, 'utf8'))).toEqual(run.owner);
    await expect.poll(() => clock.waiting).toBe(1);
    await writeFile(at.path, 'theirs');
    await age(at.path, HOUR);
    await clock.advance(16_000);
    await expect.poll(() => run.signal.aborted).toBe(true);
    expect(Date.now() - (await stat(at.path)).mtimeMs).toBeGreaterThan(HOUR / 2);
    await release();
    expect(await readFile(at.path, 'utf8')).toBe('theirs');
  });

  it('that lost the lock can change nothing, whatever it was about to do', async () => {
    const at = await place();
    const final = join(at.dir, 'final');
    const elsewhere = join(at.dir, 'elsewhere');
    const steps: Record<string, (run: RunFolder) => Promise<unknown>> = {
      commit: (run) => run.commit(run.path('new'), final),
      'commit of a file elsewhere': (run) => run.commit(elsewhere, final),
      write: (run) => run.write(final, 'early'),
      remove: (run) => run.remove(final),
      setAside: (run) => run.setAside(final),
      'a new temporary file': async (run) => {
        await writeFile(run.path('newer'), 'early');
        await run.commit(run.path('newer'), final);
      },
    };
    for (const [name, step] of Object.entries(steps)) {
      const early = await open(at);
      await writeFile(early.run.path('new'), 'early');
      await writeFile(elsewhere, 'early');
      const late = await takeOver(at);
      await writeFile(final, 'late');
      const error = await step(early.run).catch((caught) => caught);
      expect((error as { code?: string }).code, name).toMatch(/^(LOCKED|ENOENT)$/);
      expect(await readFile(final, 'utf8'), name).toBe('late');
      await early.release();
      await late.run.check();
      await late.release();
    }
  });

  it('says that the lock is lost, and not that a file is missing', async () => {
    const at = await place();
    const error = await pcamError(
      withLock({ ...at, command: 'export' }, async (run) => {
        await (await takeOver(at)).release();
        await run.commit(run.path('gone'), join(at.dir, 'final'));
      }),
    );
    expect(error).toMatchObject({ code: 'LOCKED', exitCode: 5 });
    expect(await readdir(at.temporaries)).toEqual([]);
  });

  it('commits the file that was digested, and no other', async () => {
    const at = await place();
    const { run } = await open(at);
    const final = join(at.dir, 'final');
    for (const one of [run.path('one'), join(at.dir, 'elsewhere')]) {
      await writeFile(one, 'right');
      const digested = await stat(one, { bigint: true });
      await writeFile(one, 'wrong');
      await utimes(one, new Date(), new Date(Date.now() + 5000));
      expect((await pcamError(run.commit(one, final, { digested }))).code).toBe('IO');
      expect(existsSync(final)).toBe(false);
      const again = await stat(one, { bigint: true });
      const stats = await run.commit(one, final, { digested: again });
      expect([stats.ino, stats.ctimeNs]).toEqual([again.ino, (await stat(final, { bigint: true })).ctimeNs]);
      expect(existsSync(one)).toBe(false);
      await rm(final);
    }
  });

  it('removes what killed runs left, and keeps what they had set aside', async () => {
    const at = await place();
    const left = { 'dead/a': '', 'dead/left.0/b/aside.x.1': 'x', 'old-file': '', 'old/aside.y.1': 'y' };
    await put(at.temporaries, left);
    const { run, release } = await open(at);
    expect(await readdir(at.temporaries)).toEqual([run.id]);
    expect((await readdir(run.folder)).sort()).toEqual(['aside.x.1', 'aside.y.1']);
    await rename((await run.asides()).sort()[0]!, join(at.dir, 'x'));
    await put(at.dir, { z: 'z' });
    await run.setAside(join(at.dir, 'z'));
    await release();
    const next = await open(at);
    expect(await Promise.all((await next.run.asides()).map((path) => readFile(path, 'utf8')))).toEqual(
      expect.arrayContaining(['y', 'z']),
    );
  });

  it('does not remove what belongs to someone else: a directory is refused', async () => {
    const at = await place();
    const { run } = await open(at);
    await mkdir(join(at.dir, 'theirs'));
    expect((await pcamError(run.remove(join(at.dir, 'theirs')))).code).toBe('IO');
  });

  it.each(['EBUSY', 'EPERM', 'EACCES'])(
    'repeats a rename that another program disturbs (%s)',
    async (code) => {
      const at = await place();
      const { run } = await open(at);
      const final = join(at.dir, 'final');
      const { rename: realRename } = fs;
      let failures = 2;
      replaceFs({
        rename: (from: string, to: string) =>
          to === final && failures-- > 0
            ? Promise.reject(systemError(code, { syscall: 'rename' }))
            : realRename(from, to),
      });
      await run.write(final, 'right');
      expect(await readFile(final, 'utf8')).toBe('right');
      expect(failures).toBe(-1);
    },
  );
});
