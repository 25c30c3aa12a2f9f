/**
 * The lock that keeps two runs out of one directory, and what a run has while it holds the lock.
 *
 *     await withLock({ path, temporaries, command, signal, clock }, async (run) => {
 *       const temporary = run.path('train_x.h5');              // <temporaries>/<run.id>/train_x.h5: this run's alone
 *       …write it, digest it through the handle that writes…
 *       const stats = await run.commit(temporary, final, { digested });
 *       await run.write(join(state, 'index.json'), text);      // small files, in one step
 *       await run.remove(path);
 *     });
 *
 * - `run.id` is the random word of this run, and `run.owner` what a journal can keep of it; `stateOf(owner)` judges a
 *   journal that another run left: 'ended', 'alive' or 'unknown'.
 * - `run.signal` is aborted by the caller, and when the lock is found to be lost.
 * - A file that lies elsewhere, such as a finished partial download, can be committed too.
 * - What is still in the run's directory when `work` ends is removed.
 *
 * The lock is a courtesy: it saves work, and nothing depends on it. What keeps a run that lost it from changing anything
 * is that its directory is gone (run-folder.ts). docs/protocol.md says why that is enough.
 */
import { constants } from 'node:fs';
import { link, lstat, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Clock, fsError, PcamError, systemClock, systemCode } from '../core/index.js';
import { neverBlocking, openFile, readSmallFile, UnfitFile } from './files.js';
import { makeFolder, requireOwnFolder } from './folders.js';
import { createOwner, type Owner, parseOwner, stateOf } from './owner.js';
import { RunFolder } from './run-folder.js';
import { retryBusy } from './write.js';

/** How often an owner touches its lock (ms): the mtime of the lock is its heartbeat. */
const HEARTBEAT_MS = 15_000;
/** A lock whose owner cannot be shown to have ended is stale when it has not been touched for so long (ms). */
const STALE_AFTER_MS = 5 * 60_000;
const MAX_LOCK_BYTES = 64 * 1024;
const MAX_TRIES = 8;

export interface LockOptions {
  /** Path of the lock; the directories above it are made. */
  path: string;
  /** Where each run has a directory of its own. On the file system of the final names, beside the lock. */
  temporaries: string;
  /** For the message that another run gets. */
  command: string;
  signal?: AbortSignal;
  /** @default the system's */
  clock?: Clock;
}

/**
 * Runs `work` as the only run that changes a directory.
 * @throws PcamError LOCKED when another run has the lock, or has taken it over meanwhile
 */
export async function withLock<T>(
  { path, temporaries, command, signal, clock = systemClock }: LockOptions,
  work: (run: RunFolder) => Promise<T>,
): Promise<T> {
  const owner = await createOwner(command);
  const lock = new Lock({ path, temporaries, owner });
  await lock.acquire();
  let run: RunFolder | undefined;
  let stopHeartbeat = () => {};
  try {
    run = await RunFolder.create({ temporaries, owner, signal, check: () => lock.check() });
    stopHeartbeat = startHeartbeat(lock, run, clock);
    const result = await work(run);
    // A run that collects the errors of its files would report them as missing.
    await lock.check();
    return result;
  } catch (error) {
    // What fails because the lock is lost says so, and not that a file is missing.
    if (!signal?.aborted) await lock.check();
    throw error;
  } finally {
    stopHeartbeat();
    await run?.remainder();
    await lock.release();
  }
}

/** Touches the lock now and then; a lock that turns out to be lost aborts the run. */
function startHeartbeat(lock: Lock, run: RunFolder, clock: Clock): () => void {
  let cancel = () => {};
  const next = () => {
    cancel = clock.after(HEARTBEAT_MS, () => {
      // The disk may not answer: that says nothing about the lock.
      lock
        .touch()
        .then(next)
        .catch((error) => run.abort(error));
    });
  };
  next();
  return () => cancel();
}

class Lock {
  readonly #path: string;
  readonly #temporaries: string;
  readonly #owner: Owner;
  readonly #content: string;

  constructor({ path, temporaries, owner }: { path: string; temporaries: string; owner: Owner }) {
    this.#path = path;
    this.#temporaries = temporaries;
    this.#owner = owner;
    this.#content = JSON.stringify(owner);
  }

  /** @throws PcamError LOCKED when another run holds the lock, or may hold it */
  async acquire(): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        if (await this.#tryToAcquire()) return;
        if (tries === MAX_TRIES) throw locked(this.#path, await readLock(this.#path));
      } catch (error) {
        // A run that has just ended may have removed the directories.
        if (systemCode(error) !== 'ENOENT' || tries === MAX_TRIES)
          throw fsError(error, `locking ${dirname(dirname(this.#path))}`);
      }
    }
  }

  /** @returns false when the lock changed hands meanwhile, or was stale and is removed now */
  async #tryToAcquire(): Promise<boolean> {
    await requireOwnFolder(dirname(this.#path));
    await makeFolder(dirname(this.#path));
    await makeFolder(this.#temporaries);
    await requireOwnFolder(this.#temporaries);
    if (await this.#create()) return true;
    const found = await readLock(this.#path);
    if (found === ABSENT) return false;
    if (found !== UNFIT && !(await this.#isStale(found))) throw locked(this.#path, found);
    await this.#removeStale(found);
    return false;
  }

  async #create(): Promise<boolean> {
    const { O_WRONLY, O_CREAT, O_EXCL } = constants;
    const handle = await retryBusy(() =>
      open(this.#path, O_WRONLY | O_CREAT | O_EXCL | neverBlocking(false), 0o666),
    ).catch((error) => {
      if (systemCode(error) === 'EEXIST') return undefined;
      throw error;
    });
    if (!handle) return false;
    try {
      await handle.writeFile(this.#content);
      return true;
    } catch (error) {
      // A lock that says nothing would keep everybody out for a while, this run's successor first.
      await rm(this.#path, { force: true });
      throw error;
    } finally {
      await handle.close();
    }
  }

  /** Whether the owner of a lock has ended, or has not been heard of for too long. */
  async #isStale(found: LockContent): Promise<boolean> {
    const owner = ownerIn(found);
    const state = owner ? await stateOf(owner) : 'unknown';
    return state === 'unknown' ? (await this.#age()) > STALE_AFTER_MS : state === 'ended';
  }

  /** How long ago (ms) the lock was touched, by the clock of the file system: a server's may differ from ours. */
  async #age(): Promise<number> {
    const probe = this.#aside();
    const stats = await lstat(this.#path).catch(() => undefined);
    const handle = await open(probe, 'wx');
    try {
      const now = (await handle.stat()).mtimeMs;
      // A time in the future is as far from the truth as one in the past.
      return stats ? Math.abs(now - stats.mtimeMs) : Number.POSITIVE_INFINITY;
    } finally {
      await handle.close();
      await rm(probe, { force: true });
    }
  }

  async #removeStale(found: LockContent): Promise<void> {
    const aside = this.#aside();
    try {
      await retryBusy(() => rename(this.#path, aside));
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return; // another run was quicker
      throw error;
    }
    // The lock of a run that was quicker goes back, unless a third run has one there by now.
    if ((await readLock(aside)) !== found) await link(aside, this.#path).catch(() => {});
    await rm(aside, { force: true });
  }

  /** A name that the next run cleans up, should this one be killed now. */
  #aside(): string {
    return join(this.#temporaries, `${this.#owner.run}.lock`);
  }

  /** @throws PcamError LOCKED when the lock is lost; a lock that cannot be read says nothing */
  async check(): Promise<void> {
    const found = await readLock(this.#path);
    if (found === this.#content || found === UNREADABLE) return;
    const owner = ownerIn(found);
    const folder = dirname(dirname(this.#path));
    const what = owner ? `${nameOf(owner)} has taken over ${folder}` : `the lock of ${folder} is gone`;
    throw new PcamError('LOCKED', `${what}, while this run was suspended or cut off from the disk`, {
      hint: 'this run changed nothing since; wait until the other one has ended, then run the same command again',
    });
  }

  /**
   * Writes the first byte again, which sets the time by the file server's clock. The lock of a successor is not touched:
   * the handle is that of the file that was read.
   */
  async touch(): Promise<void> {
    await this.check();
    const handle = await openFile(this.#path, { flags: constants.O_RDWR, follow: false }).catch(
      () => undefined,
    );
    try {
      if ((await handle?.readFile('utf8')) === this.#content)
        await handle?.write(this.#content.slice(0, 1), 0);
    } catch {
      // The next heartbeat tries again.
    } finally {
      await handle?.close().catch(() => {});
    }
  }

  /** Always tried, and no error: the work is done, and a lock that stays is removed by the next run. */
  async release(): Promise<void> {
    const found = await readLock(this.#path);
    if (found !== this.#content && found !== UNREADABLE) return;
    await retryBusy(() => rm(this.#path, { force: true })).catch(() => {});
  }
}

/** What is in a lock: its text, or one of these. */
const ABSENT = Symbol('no lock');
/** The lock of another user, or a disk that does not answer. */
const UNREADABLE = Symbol('a lock that cannot be read');
/** A link, a pipe, a gigabyte: no run has put that there. */
const UNFIT = Symbol('no lock of pcam');
type LockContent = string | typeof ABSENT | typeof UNREADABLE | typeof UNFIT;

async function readLock(path: string): Promise<LockContent> {
  try {
    return await retryBusy(() => readSmallFile(path, { maxBytes: MAX_LOCK_BYTES, follow: false }));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error))) return ABSENT;
    if (error instanceof UnfitFile && error.found === 'a directory') throw error;
    return error instanceof UnfitFile || ['ELOOP', 'ENXIO'].includes(systemCode(error)) ? UNFIT : UNREADABLE;
  }
}

/** Who has a lock, in words; undefined where nobody has, or the run has ended. */
export async function lockHolder(path: string): Promise<string | undefined> {
  const owner = ownerIn(await readLock(path).catch((): LockContent => ABSENT));
  return owner && (await stateOf(owner)) !== 'ended' ? nameOf(owner) : undefined;
}

function ownerIn(content: LockContent): Owner | undefined {
  try {
    return typeof content === 'string' ? parseOwner(JSON.parse(content)) : undefined;
  } catch {
    return undefined; // torn by a crash, or just being written
  }
}

function locked(path: string, content: LockContent): PcamError {
  const owner = ownerIn(content);
  return new PcamError(
    'LOCKED',
    `${dirname(dirname(path))} is in use by ${owner ? nameOf(owner) : 'another run'}`,
    { hint: `wait until it has ended; if you are sure that it has, remove ${path}` },
  );
}

function nameOf({ pid, host, command }: Owner): string {
  return `process ${pid} on ${host} (pcam ${command})`;
}
