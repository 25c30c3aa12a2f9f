/** The lock that keeps two runs out of one folder. A file of its own, so that it works where flock does not. */
import { randomUUID } from 'node:crypto';
import { link, lstat, open, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { fsError, PcamError, systemCode } from '../core/index.js';
import { makeFolder } from './atomic.js';
import { requireOwnFolder } from './own-folder.js';
import { readSmallFile } from './small-file.js';

/** A lock of another machine is dead when it has not been touched for so long (ms). */
const DEAD_AFTER = 10 * 60_000;
const TOUCH_EVERY = 30_000;
const CLEARING_DEAD_AFTER = 10_000;
const LARGEST_LOCK = 64 * 1024;

interface Owner {
  pid: number;
  host: string;
  /** When the process started, in the kernel's own count: tells a process from a later one with the same number. */
  started: string;
  command: string;
}

export interface Lock {
  release(): Promise<void>;
}

/** @throws PcamError LOCKED when a run that is alive holds it */
export async function acquireLock(path: string, { command }: { command: string }): Promise<Lock> {
  const mine = JSON.stringify({
    pid: process.pid,
    host: hostname(),
    started: await startOf(process.pid),
    command,
    token: randomUUID(),
  });
  try {
    await requireOwnFolder(dirname(path));
    await makeFolder(dirname(path));
    for (let tries = 0; tries < 8; tries++) {
      if (await create(path, mine)) return hold(path, mine);
      const theirs = await contentOf(path);
      if (theirs === undefined) continue; // its owner has just let go
      if (theirs === '' && tries < 4) {
        // Its owner is just writing it; one that stays empty is left of a crash.
        await pause();
        continue;
      }
      if (await alive(path, theirs)) throw locked(path, theirs);
      await refuseFolder(path);
      await clear(path, theirs);
    }
    throw locked(path, await readOr(path, ''));
  } catch (error) {
    throw fsError(error, `locking ${dirname(dirname(path))}`);
  }
}

/** The lock appears with its content or not at all: one that is empty for a moment would look like a dead one. */
async function create(path: string, content: string): Promise<boolean> {
  const whole = `${path}.tmp-${process.pid}-${randomUUID()}`;
  try {
    await writeNew(whole, content);
    await link(whole, path);
    return true;
  } catch (error) {
    // ENOENT: the run that holds the lock has just swept the folder.
    if (/^(EEXIST|ENOENT)$/.test(systemCode(error))) return false;
    // File systems without hard links: FAT, some network shares.
    if (!/^(EPERM|ENOTSUP|EOPNOTSUPP|ENOSYS|EMLINK|EINVAL)$/.test(systemCode(error))) throw error;
    return await createInPlace(path, content);
  } finally {
    await rm(whole, { force: true });
  }
}

async function createInPlace(path: string, content: string): Promise<boolean> {
  try {
    await writeNew(path, content);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function writeNew(path: string, content: string): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    await handle.writeFile(content);
  } catch (error) {
    // A lock that says nothing would keep everybody out for a while, this run's successor first.
    await rm(path, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

function hold(path: string, mine: string): Lock {
  const timer = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  }, TOUCH_EVERY);
  timer.unref();
  return {
    release: async () => {
      clearInterval(timer);
      // Somebody may have removed it by hand and locked anew: then it is not ours any more.
      if ((await readOr(path, '')) === mine) await rm(path, { force: true });
    },
  };
}

async function alive(path: string, content: string): Promise<boolean> {
  const owner = parse(content);
  if (!owner) return false; // torn by a crash while it was written
  if (owner.host !== hostname()) {
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: 0 }));
    return Math.abs(Date.now() - mtimeMs) < DEAD_AFTER;
  }
  const started = await startOf(owner.pid);
  return started !== undefined && (owner.started === '' || started === '' || started === owner.started);
}

async function refuseFolder(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined);
  if (!stats?.isDirectory()) return;
  throw new PcamError('IO', `${path}: expected pcam's lock file, found a directory`, {
    hint: 'remove it, then run it again',
  });
}

/**
 * Removes a dead lock. One run at a time may do so: otherwise a slow one could remove the lock that a quick one has
 * made in place of the dead one since.
 */
async function clear(path: string, dead: string): Promise<void> {
  const clearing = `${path}.clearing`;
  if (!(await createInPlace(clearing, ''))) {
    const { mtimeMs } = await stat(clearing).catch(() => ({ mtimeMs: Date.now() }));
    // It takes milliseconds, so one that is old was left by a crash.
    if (Math.abs(Date.now() - mtimeMs) > CLEARING_DEAD_AFTER) await rm(clearing, { force: true });
    await pause();
    return;
  }
  try {
    if ((await contentOf(path)) === dead) await rm(path, { force: true });
  } finally {
    await rm(clearing, { force: true });
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 50));
}

function locked(path: string, content: string): PcamError {
  const owner = parse(content);
  const who = owner ? `process ${owner.pid} on ${owner.host} (pcam ${owner.command})` : 'another run';
  return new PcamError('LOCKED', `${dirname(dirname(path))} is in use by ${who}`, {
    hint: `wait until it has ended; if you are sure that it is gone, remove ${path}`,
  });
}

function parse(content: string): Owner | undefined {
  try {
    const value = JSON.parse(content) as Partial<Owner>;
    const { pid, host, started = '', command = '' } = value;
    if (!Number.isSafeInteger(pid) || (pid as number) <= 0 || typeof host !== 'string') return undefined;
    return { pid: pid as number, host, started: String(started), command: String(command) };
  } catch {
    return undefined;
  }
}

/** Start time of a process: undefined when there is none, '' when it lives and the system does not tell. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (systemCode(error) !== 'EPERM') return undefined;
  }
  const text = await readOr(`/proc/${pid}/stat`, '');
  // The name in parentheses may hold spaces; the start time is field 22 (proc(5)).
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z') return undefined;
  return fields[19] ?? '';
}

/** What a lock holds; '' where that cannot be read, such as in a link; undefined where there is none. */
async function contentOf(path: string): Promise<string | undefined> {
  try {
    return await readSmallFile(path, { most: LARGEST_LOCK, follow: false });
  } catch (error) {
    return systemCode(error) === 'ENOENT' ? undefined : '';
  }
}

async function readOr(path: string, otherwise: string): Promise<string> {
  return (await contentOf(path)) || otherwise;
}
