/** One run at a time in a directory; no lock outlives its run, and no run outlives its lock. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import os, { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ownIdentity } from '#pcam/fs/identity.js';
import { Workspace, withWorkspace } from '#pcam/fs/workspace.js';
import { TestClock } from '../support/clock.js';
import { put } from '../support/files.js';
import { pcamError } from '../support/outcome.js';
import { start } from '../support/process.js';
import { temporaryFolder } from '../support/temp.js';

interface Place {
  dir: string;
  lock: string;
  temporaries: string;
}

async function place(content?: string): Promise<Place> {
  const dir = await temporaryFolder();
  const state = join(dir, '.pcam');
  if (content !== undefined) await put(state, { lock: content });
  return { dir, lock: join(state, 'lock'), temporaries: join(state, 'tmp') };
}

const open = (at: Place, clock?: TestClock) => Workspace.open({ ...at, command: 'download', clock });

async function expectTaken(at: Place): Promise<void> {
  const workspace = await open(at);
  expect(JSON.parse(await readFile(at.lock, 'utf8'))).toMatchObject({ pid: process.pid });
  await workspace.close();
  expect(await readdir(join(at.dir, '.pcam'), { recursive: true })).toEqual(['tmp']);
}

/** A lock of a run like this one, but for some fields. */
async function lockOf(fields: object): Promise<string> {
  return JSON.stringify({ ...(await ownIdentity('download')), ...fields });
}

async function age(path: string, ms: number): Promise<void> {
  const then = new Date(Date.now() - ms);
  await utimes(path, then, then);
}

const HOUR = 3_600_000;

/** As if this machine had started so long ago. */
function startedAgo(seconds: number): void {
  const { uptime } = os;
  const set = (to: typeof uptime) => {
    os.uptime = to;
    syncBuiltinESMExports();
  };
  set(() => seconds);
  onTestFinished(() => set(uptime));
}

describe('a lock', () => {
  it('keeps a second run out, says who is in, and lets go', async () => {
    const at = await place();
    const first = await open(at);
    const error = await pcamError(open(at));
    expect(error).toMatchObject({ code: 'LOCKED', exitCode: 5 });
    expect(error.message).toContain(String(process.pid));
    expect(error.hint).toContain(at.lock);
    await first.close();
    await expectTaken(at);
  });

  it.each([undefined, '{"pid": 12, "ho', ''])('goes to one of many (left: %j)', async (content) => {
    for (let round = 0; round < 5; round++) {
      const at = await place(content);
      const tries = await Promise.allSettled(Array.from({ length: 12 }, () => open(at)));
      const won = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      expect(won).toHaveLength(1);
      await won[0]!.check();
      await won[0]!.close();
      expect(await readdir(join(at.dir, '.pcam'), { recursive: true })).toEqual(['tmp']);
    }
  });

  it('of a process that has ended is taken over', async () => {
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
    await age(at.lock, HOUR);
    expect((await pcamError(open(at))).code).toBe('LOCKED');
  });

  it.each([
    ['on another machine', { host: `not-${hostname()}` }],
    ['in another PID namespace', { namespace: 'pid:[1]', pid: 2 ** 22 }],
    ['on a machine of the same name', { boot: 'other', pid: 2 ** 22 }],
    ['of a version that wrote less', { boot: undefined, namespace: undefined, pid: 2 ** 22 }],
  ])('of a process %s holds while its heartbeat is fresh, and no longer', async (_, fields) => {
    startedAgo(24 * 3600);
    const at = await place(await lockOf(fields));
    await age(at.lock, 120_000);
    expect((await pcamError(open(at))).code).toBe('LOCKED');
    await age(at.lock, 2 * HOUR);
    await expectTaken(at);
    await put(join(at.dir, '.pcam'), { lock: await lockOf(fields) });
    await age(at.lock, -2 * HOUR); // a clock was turned back
    await expectTaken(at);
  });

  it('of this machine before its restart is valid for a minute, and not for five', async () => {
    const at = await place(await lockOf({ boot: 'earlier', pid: 2 ** 22 }));
    startedAgo(20);
    await age(at.lock, 40_000); // as old as a live machine of the same name might leave it, stalled
    expect((await pcamError(open(at))).code).toBe('LOCKED');
    startedAgo(100);
    await age(at.lock, 90_000); // touched since, so by another machine
    expect((await pcamError(open(at))).code).toBe('LOCKED');
    await age(at.lock, 110_000);
    await expectTaken(at);
  });

  it.each([
    ['nothing, after a power loss', ''],
    ['half of it', '{"pid":12'],
    ['zeros', '\0\0\0\0'],
    ['something else', '[1,2]'],
    ['no process', JSON.stringify({ pid: -1, host: hostname() })],
  ])('that holds %s is taken over', async (_, content) => {
    await expectTaken(await place(content));
  });

  it('is taken without the litter of runs that were killed while they took it', async () => {
    const at = await place();
    const state = join(at.dir, '.pcam');
    const [old, young, other] = ['lock.0123456789abcdef', 'lock.fedcba9876543210', 'lock.json'];
    await put(state, { [old]: '', [young]: '', [other]: '' });
    const then = new Date(Date.now() - 60_000);
    for (const name of [old, other]) await utimes(join(state, name), then, then);
    await (await open(at)).close();
    expect((await readdir(state)).sort()).toEqual([young, other, 'tmp'].sort());
  });

  it('whose taker crashed while it took it over does not shut the directory for ever', async () => {
    const at = await place('torn');
    await writeFile(`${at.lock}.clearing`, '');
    await age(`${at.lock}.clearing`, HOUR);
    await expectTaken(at);
  });
});

describe('the turn to take a lock over', () => {
  it('passes on at once when its owner was killed', async () => {
    const at = await place(await lockOf({ started: '1' }));
    await writeFile(`${at.lock}.clearing`, await lockOf({ started: '1' }));
    await expectTaken(at);
  });

  it('is not taken from an owner that runs', async () => {
    const at = await place(await lockOf({ started: '1' }));
    const theirs = await lockOf({});
    await writeFile(`${at.lock}.clearing`, theirs);
    expect((await pcamError(open(at))).code).toBe('LOCKED');
    expect(await readFile(`${at.lock}.clearing`, 'utf8')).toBe(theirs);
  });
});

describe('an owner', () => {
  /** What another run does that takes the lock over: its own lock, and everything of the first one swept. */
  async function takeOver(at: Place): Promise<Workspace> {
    await rm(at.lock);
    return open(at);
  }

  it('touches its lock, and not that of a successor', async () => {
    const at = await place();
    const clock = new TestClock();
    const workspace = await open(at, clock);
    await age(at.lock, HOUR);
    await clock.advance(16_000);
    await expect.poll(async () => Date.now() - (await stat(at.lock)).mtimeMs).toBeLessThan(60_000);
    await writeFile(at.lock, 'theirs');
    await age(at.lock, HOUR);
    await clock.advance(60_000);
    await expect.poll(() => workspace.signal.aborted).toBe(true);
    expect(Date.now() - (await stat(at.lock)).mtimeMs).toBeGreaterThan(HOUR / 2);
    await workspace.close();
    expect(await readFile(at.lock, 'utf8')).toBe('theirs');
  });

  it('that lost the lock stops with exit code 5, whatever it was about to do', async () => {
    const at = await place();
    const final = join(at.dir, 'final');
    const steps: Record<string, (one: Workspace) => Promise<unknown>> = {
      commit: (one) => one.commit(one.path('new'), final),
      place: (one) => one.place(one.path('new'), final),
      write: (one) => one.write(final, 'late'),
      remove: (one) => one.remove(final),
      withdraw: (one) => one.withdraw(final, 'x'),
      take: async (one) => one.take(final, await stat(final, { bigint: true })),
    };
    for (const [name, step] of Object.entries(steps)) {
      const early = await open(at);
      await writeFile(early.path('new'), 'early');
      const late = await takeOver(at);
      await writeFile(final, 'late');
      expect(
        (
          await step(early).then(
            () => undefined,
            (error) => error,
          )
        )?.code ?? name,
      ).toMatch(/^(LOCKED|ENOENT)$/);
      expect(await readFile(final, 'utf8'), name).toBe('late');
      await early.close();
      await late.check();
      await late.close();
    }
  });

  it('cannot change anything even between its look at the lock and the step', async () => {
    const at = await place();
    const final = join(at.dir, 'final');
    const early = await open(at);
    await writeFile(early.path('new'), 'early');
    const late = await takeOver(at);
    await writeFile(final, 'late');
    // Suspended just after the look: as far as it knows, it is the owner.
    early.check = async () => {};
    for (const step of [
      () => early.commit(early.path('new'), final),
      () => early.place(early.path('new'), final),
      () => early.write(final, 'x'),
      () => early.remove(final),
      async () => early.take(final, await stat(final, { bigint: true })),
    ]) {
      await step().catch((error) => expect(error.code).toBe('ENOENT'));
      expect(await readFile(final, 'utf8')).toBe('late');
    }
    await early.close();
    await late.check();
    await late.close();
  });

  it('reports that the lock is lost, and not that a file is missing', async () => {
    const at = await place();
    const error = await pcamError(
      withWorkspace({ ...at, command: 'export' }, async () => {
        const late = await takeOver(at);
        await late.close();
        throw new Error('something is not there');
      }),
    );
    expect(error).toMatchObject({ code: 'LOCKED', exitCode: 5 });
    expect(await readdir(at.temporaries)).toEqual([]);
  });

  it('commits the file that was digested, and no other', async () => {
    const at = await place();
    const workspace = await open(at);
    const [one, final] = [workspace.path('one'), join(at.dir, 'final')];
    await writeFile(one, 'right');
    const digested = await stat(one, { bigint: true });
    await writeFile(one, 'wrong');
    await utimes(one, new Date(), new Date(Date.now() + 5000));
    expect((await pcamError(workspace.commit(one, final, { digested }))).code).toBe('IO');
    expect(existsSync(final)).toBe(false);
    const again = await stat(one, { bigint: true });
    const stats = await workspace.commit(one, final, { digested: again });
    expect(stats.ino).toBe(again.ino);
    await workspace.close();
  });

  it('sweeps what killed runs left, and keeps what it must', async () => {
    const at = await place();
    await put(at.temporaries, { 'dead/a': '', 'dead/left-older/keep-x': 'x', 'old-file': '', 'keep-y': 'y' });
    const keep = (name: string) => name.startsWith('keep-');
    const workspace = await Workspace.open({ ...at, command: 'download', keep });
    expect((await readdir(workspace.folder)).sort()).toEqual(['keep-x', 'keep-y']);
    expect(await readdir(at.temporaries)).toEqual([workspace.identity.token]);
    await workspace.close();
    expect((await readdir(at.temporaries)).sort()).toEqual(['keep-x', 'keep-y']);
  });

  it('does not remove what belongs to another process: a directory is refused', async () => {
    const at = await place();
    const workspace = await open(at);
    await mkdir(join(at.dir, 'mine'));
    expect((await pcamError(workspace.remove(join(at.dir, 'mine')))).code).toBe('IO');
    await workspace.close();
  });
});
