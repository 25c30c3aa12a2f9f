/**
 * The lock that keeps two runs out of one directory. A file of its own, so that it works where flock does not; what
 * it holds says who owns it. docs/protocol.md has the whole protocol.
 */
import { constants } from 'node:fs';
import { type FileHandle, link, lstat, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fsError, PcamError, systemCode } from '../core/index.js';
import { makeFolder } from './atomic.js';
import { type Identity, judge, parseIdentity, sinceRestart } from './identity.js';
import { openFile, readSmallFile } from './open.js';
import { requireOwnFolder } from './own-folder.js';

/** An owner that cannot be judged is gone when its lock has not been touched for so long (ms). */
const STALE_AFTER = 5 * 60_000;
/**
 * One of this machine before it was started anew has not touched its lock since then; so long must that be (ms), as a
 * machine of the same name that is at work touches it four times.
 */
const RESTARTED_AFTER = 60_000;
/** How often an owner touches its lock (ms). */
export const BEAT_EVERY = 15_000;
/** Taking a lock takes milliseconds, so a file that was made for it is litter when it is older (ms). */
const TAKING_STALE_AFTER = 10_000;
const LARGEST_LOCK = 64 * 1024;
const MOST_TRIES = 8;

export interface Lock {
  /** False when another run has taken the lock over, or it was removed. */
  held(): Promise<boolean>;
  /** Touches the lock file. */
  beat(): Promise<void>;
  /** Lets go; `folder` is one that a successor removes before anything else, so that only an owner can let go. */
  release(folder: string): Promise<void>;
  /** What a run says whose lock is gone. */
  lost(): Promise<PcamError>;
}

/** @throws PcamError LOCKED when another run holds it, or may hold it */
export async function acquireLock(path: string, identity: Identity): Promise<Lock> {
  const mine = JSON.stringify(identity);
  const own = `${path}.${identity.token}`;
  try {
    await requireOwnFolder(dirname(path));
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      await makeFolder(dirname(path)); // a run that has just ended may have removed it
      const created = await create(path, own, mine);
      if (created) {
        await removeLitter(path, own).catch(() => {});
        return new HeldLock(path, mine, created);
      }
      const theirs = await contentOf(path);
      if (theirs === undefined) continue; // its owner has just let go
      if (theirs === '' && tries < MOST_TRIES / 2) {
        // Its owner is just writing it; one that stays empty is left of a crash.
        await pause();
        continue;
      }
      if (!(await isGone(path, own, theirs))) throw locked(path, theirs);
      await refuseFolder(path);
      await clear(path, own, { gone: theirs, mine });
    }
    throw locked(path, (await contentOf(path)) ?? '');
  } catch (error) {
    throw fsError(error, `locking ${dirname(dirname(path))}`);
  }
}

class HeldLock implements Lock {
  readonly #path: string;
  readonly #mine: string;
  readonly #handle: FileHandle;

  constructor(path: string, mine: string, handle: FileHandle) {
    this.#path = path;
    this.#mine = mine;
    this.#handle = handle;
  }

  async held(): Promise<boolean> {
    try {
      return (await readSmallFile(this.#path, { most: LARGEST_LOCK, follow: false })) === this.#mine;
    } catch (error) {
      if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'IO'].includes(systemCode(error))) return false;
      throw fsError(error, `reading the lock ${this.#path}`);
    }
  }

  /**
   * Writes the first byte again through the handle. So the time is that of the file server's clock, which others
   * compare it with, and the lock of a successor is never touched.
   */
  async beat(): Promise<void> {
    await this.#handle.write(this.#mine.slice(0, 1), 0);
  }

  async release(folder: string): Promise<void> {
    await this.#handle.close().catch(() => {});
    const aside = join(folder, 'released');
    try {
      if (!(await this.held())) return;
      await rename(this.#path, aside);
    } catch {
      return; // a successor has removed the folder
    }
    // A successor took the lock over in this very moment, and loses it for another one.
    if ((await contentOf(aside)) !== this.#mine) await link(aside, this.#path).catch(() => {});
    await rm(aside, { force: true });
  }

  async lost(): Promise<PcamError> {
    const owner = parseIdentity((await contentOf(this.#path)) ?? '');
    const folder = dirname(dirname(this.#path));
    const what = owner ? `${nameOf(owner)} has taken over ${folder}` : `the lock of ${folder} is gone`;
    return new PcamError('LOCKED', `${what}, while this run was suspended or cut off from the disk`, {
      hint: 'this run changed nothing since; wait until the other one has ended, then run the same command again',
    });
  }
}

/** The lock appears with its content or not at all: one that is empty for a moment would look like a torn one. */
async function create(path: string, own: string, content: string): Promise<FileHandle | undefined> {
  let handle: FileHandle | undefined;
  try {
    handle = await writeNew(own, content);
    await link(own, path);
    return handle;
  } catch (error) {
    await handle?.close();
    // ENOENT: the run that holds the lock has just swept the directory.
    if (/^(EEXIST|ENOENT)$/.test(systemCode(error))) return undefined;
    // File systems without hard links: FAT, some network shares.
    if (!/^(EPERM|ENOTSUP|EOPNOTSUPP|ENOSYS|EMLINK|EINVAL)$/.test(systemCode(error))) throw error;
    return await createInPlace(path, content);
  } finally {
    await rm(own, { force: true });
  }
}

/** Removes what runs left that were killed while they took the lock. One that was only suspended begins again. */
async function removeLitter(path: string, own: string): Promise<void> {
  for (const name of await readdir(dirname(path))) {
    const ending = name.startsWith(`${basename(path)}.`) ? name.slice(basename(path).length + 1) : '';
    if (!/^([0-9a-f]{16}|clearing)$/.test(ending)) continue;
    const litter = join(dirname(path), name);
    if (await isLeft(litter, own)) await rm(litter, { force: true });
  }
}

async function createInPlace(path: string, content: string): Promise<FileHandle | undefined> {
  try {
    return await writeNew(path, content);
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return undefined;
    throw error;
  }
}

async function writeNew(path: string, content: string): Promise<FileHandle> {
  const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW = 0 } = constants;
  const handle = await open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o666);
  try {
    await handle.writeFile(content);
    return handle;
  } catch (error) {
    await handle.close();
    // A lock that says nothing would keep everybody out for a while, this run's successor first.
    await rm(path, { force: true });
    throw error;
  }
}

/** Whether the owner of a lock has ended, or has not been heard of for too long. */
async function isGone(path: string, own: string, content: string): Promise<boolean> {
  const owner = parseIdentity(content);
  if (!owner) return true; // torn by a power loss
  const verdict = await judge(owner);
  if (verdict !== 'unknown') return verdict === 'dead';
  const restart = await sinceRestart(owner);
  const after = Math.min(STALE_AFTER, Math.max(RESTARTED_AFTER, restart ?? STALE_AFTER));
  return (await ageOf(path, own)) > after;
}

/** How long ago (ms) a file was touched, by the clock of the file system that it is on; Infinity where it is gone. */
async function ageOf(path: string, own: string): Promise<number> {
  const probe = await writeNew(own, '');
  try {
    const now = (await probe.stat()).mtimeMs;
    const stats = await lstat(path).catch(() => undefined);
    // A time in the future is as far from the truth as one in the past.
    return stats ? Math.abs(now - stats.mtimeMs) : Number.POSITIVE_INFINITY;
  } finally {
    await probe.close();
    await rm(own, { force: true });
  }
}

async function refuseFolder(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined);
  if (!stats?.isDirectory()) return;
  throw new PcamError('IO', `expected a lock file at ${path}, found a directory`, {
    hint: 'move it away, then run the same command again',
  });
}

/**
 * Removes the lock of an owner that is gone. One run at a time does so: otherwise a slow one could remove the lock
 * that a quick one has created meanwhile.
 */
async function clear(
  path: string,
  own: string,
  { gone, mine }: { gone: string; mine: string },
): Promise<void> {
  const clearing = `${path}.clearing`;
  const turn = await create(clearing, own, mine);
  if (!turn) {
    if (await isLeft(clearing, own)) await rm(clearing, { force: true });
    else await pause();
    return;
  }
  try {
    await turn.close();
    if ((await contentOf(path)) === gone) await takeAway(path, own, gone);
  } finally {
    if ((await contentOf(clearing)) === mine) await rm(clearing, { force: true });
  }
}

/** Whether a file that a run made to take the lock belongs to none any more: the run was killed, or the file is old. */
async function isLeft(path: string, own: string): Promise<boolean> {
  const content = await contentOf(path);
  if (content === undefined) return false;
  const owner = parseIdentity(content);
  if (owner && (await judge(owner)) === 'dead') return true;
  const age = await ageOf(path, own);
  // One that has just gone is nobody's; what lies there next is another run's.
  return Number.isFinite(age) && age > TAKING_STALE_AFTER;
}

/** Removes a file that held `content`, and gives back what another run has put into its place since it was read. */
async function takeAway(path: string, own: string, content: string): Promise<void> {
  try {
    await rename(path, own);
    if ((await contentOf(own)) !== content) await link(own, path).catch(() => {});
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  } finally {
    await rm(own, { force: true });
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 50));
}

function locked(path: string, content: string): PcamError {
  const owner = parseIdentity(content);
  return new PcamError(
    'LOCKED',
    `${dirname(dirname(path))} is in use by ${owner ? nameOf(owner) : 'another run'}`,
    { hint: `wait until it has ended; if you are sure that it has, remove ${path}` },
  );
}

function nameOf({ pid, host, command }: Identity): string {
  return `process ${pid} on ${host} (pcam ${command})`;
}

/** What a lock holds; '' where that cannot be read, such as in a link; undefined where there is none. */
async function contentOf(path: string): Promise<string | undefined> {
  try {
    const handle = await openFile(path, { follow: false });
    try {
      const { size } = await handle.stat();
      return size > LARGEST_LOCK ? '' : await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (error) {
    return systemCode(error) === 'ENOENT' ? undefined : '';
  }
}
