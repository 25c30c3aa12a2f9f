/**
 * A run's own directory of temporaries, and the lock that goes with it: everything that a run puts into place or
 * removes passes through that directory. Its name is the run's token, and a run that takes the lock over removes it
 * before anything else: whatever the earlier one still does, after a suspension or an outage, then fails by itself.
 * docs/protocol.md says why this is enough.
 */
import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, link, lstat, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Clock, fsError, PcamError, systemClock, systemCode } from '../core/index.js';
import { makeFolder, syncFolder, writeNewFile } from './atomic.js';
import { type Identity, ownIdentity } from './identity.js';
import { acquireLock, BEAT_EVERY, type Lock } from './lock.js';
import { openFile, UnfitFile } from './open.js';
import { requireOwnFolder } from './own-folder.js';
import { type FileIdentity, sameFile } from './stat.js';
import { giveBack, sweep } from './sweep.js';

export interface WorkspaceOptions {
  /** Path of the lock; the directories above it are made. */
  lock: string;
  /** Where each run has a directory of its own, named by its token. On the file system of the final names. */
  temporaries: string;
  /** For the message that another run gets. */
  command: string;
  signal?: AbortSignal;
  /** @default the system's */
  clock?: Clock;
  /** Which files that a killed run left in its directory belong to the next one; the others are removed. */
  keep?: (name: string) => boolean;
}

/**
 * Runs `work` as the only owner of a directory.
 * @throws PcamError LOCKED when another run has the lock, or has taken it over meanwhile
 */
export async function withWorkspace<T>(
  options: WorkspaceOptions,
  work: (workspace: Workspace) => Promise<T>,
): Promise<T> {
  const workspace = await Workspace.open(options);
  try {
    const result = await work(workspace);
    await workspace.check();
    return result;
  } catch (error) {
    // What fails because the lock is lost says so, and not that a file went missing.
    if (!options.signal?.aborted) await workspace.check();
    throw error;
  } finally {
    await workspace.close();
  }
}

/** A temporary that waits for its name. */
export interface Staged {
  place(final: string, cleanUp?: () => Promise<void>): Promise<BigIntStats>;
  close(): Promise<void>;
}

interface Placing {
  handle: FileHandle;
  before: BigIntStats;
  temporary: string;
  final: string;
  cleanUp: (() => Promise<void>) | undefined;
}

export class Workspace {
  readonly identity: Identity;
  /** This run's directory of temporaries. */
  readonly folder: string;
  /** Aborted by the caller, or when the lock is found to be lost. */
  readonly signal: AbortSignal;
  readonly #lock: Lock;
  readonly #options: WorkspaceOptions;
  readonly #lost = new AbortController();
  #cancelBeat: () => void = () => {};
  #count = 0;

  private constructor(identity: Identity, folder: string, lock: Lock, options: WorkspaceOptions) {
    this.identity = identity;
    this.folder = folder;
    this.#lock = lock;
    this.#options = options;
    const { signal } = options;
    this.signal = signal ? AbortSignal.any([signal, this.#lost.signal]) : this.#lost.signal;
    this.#beat();
  }

  /** Prefer `withWorkspace`. */
  static async open(options: WorkspaceOptions): Promise<Workspace> {
    const { lock: path, temporaries, command, keep = () => false } = options;
    const identity = await ownIdentity(command);
    const folder = join(temporaries, identity.token);
    const lock = await acquireLock(path, identity);
    try {
      await requireOwnFolder(temporaries);
      // The directory must be there before the look at the lock: a successor removes it, or the look finds that
      // there is one. Either way, a run that is not the owner sweeps nothing.
      for (let swept = false, tries = 0; !swept; tries++) {
        await makeFolder(folder);
        if (!(await lock.held()) || tries > 8) throw await lock.lost();
        swept = await sweep({ temporaries, folder, keep });
      }
      return new Workspace(identity, folder, lock, options);
    } catch (error) {
      // What fails because another run has taken over already says so, and not that a file went missing.
      const failure = (await lock.held().catch(() => true)) ? error : await lock.lost();
      await rm(folder, { recursive: true, force: true }).catch(() => {});
      await lock.release(folder);
      throw fsError(failure, `preparing ${temporaries}`);
    }
  }

  /** Path of a temporary; no other run has it. */
  path(name: string): string {
    return join(this.folder, name);
  }

  /** @throws PcamError LOCKED when the lock is lost: then nothing must be changed any more */
  async check(): Promise<void> {
    if (this.#lost.signal.aborted) throw this.#lost.signal.reason;
    if (await this.#lock.held()) return;
    const error = await this.#lock.lost();
    this.#lost.abort(error);
    throw error;
  }

  /**
   * Gives a finished temporary of this run its final name, flushed.
   * @param options.digested what the handle was that its digest was computed from
   * @param options.cleanUp called once the file has its final name, before the last look at it
   * @returns the file under its final name: only now, and only of this, a receipt may be written
   * @throws PcamError IO when the file is not the one that was digested; LOCKED
   */
  async commit(
    temporary: string,
    final: string,
    { digested, cleanUp }: { digested?: FileIdentity; cleanUp?: () => Promise<void> } = {},
  ): Promise<BigIntStats> {
    const staged = await this.stage(temporary, digested);
    try {
      return await staged.place(final, cleanUp);
    } finally {
      await staged.close();
    }
  }

  /** The first half of `commit`: the file is flushed, and is the one that was digested. Close what it gives. */
  async stage(temporary: string, digested?: FileIdentity): Promise<Staged> {
    // Windows flushes only what is open for writing.
    const handle = await openFile(temporary, { flags: constants.O_RDWR, follow: false });
    try {
      await handle.sync();
      const before = await handle.stat({ bigint: true });
      if (digested && !sameFile(before, digested)) throw changed(temporary);
      return {
        place: (final, cleanUp) => this.#place({ handle, before, temporary, final, cleanUp }),
        close: () => handle.close(),
      };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async #place({ handle, before, temporary, final, cleanUp }: Placing): Promise<BigIntStats> {
    await this.place(temporary, final);
    await syncFolder(dirname(final));
    await cleanUp?.();
    const after = await handle.stat({ bigint: true });
    const there = await lstat(final, { bigint: true });
    if (sameFile(after, before) && sameFile(there, before)) return after;
    if (there.ino === before.ino) await this.remove(final);
    throw changed(final);
  }

  /**
   * Another name for a file, in this run's own directory: what is committed from a name that runs share, such as a
   * partial download, must be the file that was digested, and not what a successor has put there.
   */
  async take(path: string, digested: FileIdentity): Promise<string> {
    const own = this.path(`${basename(path)}.${++this.#count}`);
    await this.check();
    try {
      await link(path, own);
    } catch (error) {
      if (!/^(EPERM|ENOTSUP|EOPNOTSUPP|ENOSYS|EMLINK|EINVAL)$/.test(systemCode(error))) throw error;
      await rename(path, own); // no hard links here
    }
    if (!sameFile(await lstat(own, { bigint: true }), digested)) throw changed(path);
    return own;
  }

  /** Renames a temporary of this run; nothing is flushed. */
  async place(temporary: string, final: string): Promise<void> {
    await this.check();
    await rename(temporary, final);
  }

  /** Writes a small file in one step. */
  async write(path: string, data: string | Uint8Array): Promise<void> {
    const temporary = this.path(`${basename(path)}.${++this.#count}`);
    await writeNewFile(temporary, data);
    await this.place(temporary, path);
    await syncFolder(dirname(path));
  }

  /** Moves what is at `path`, if anything, into this run's directory: the first half of a rename, or of a removal. */
  async withdraw(path: string, as: string): Promise<boolean> {
    await this.check();
    try {
      await rename(path, this.path(as));
      return true;
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
      await this.check();
      return false;
    }
  }

  /** Removes a file; nothing there is fine. A directory, which can only be someone else's, is refused. */
  async remove(path: string): Promise<void> {
    if (await isFolder(path)) throw new UnfitFile(path, 'a directory');
    const as = `removed.${++this.#count}`;
    if (await this.withdraw(path, as)) await rm(this.path(as), { force: true });
  }

  /** Removes this run's temporaries, and lets go of the lock. */
  async close(): Promise<void> {
    this.#cancelBeat();
    const { temporaries, keep = () => false } = this.#options;
    if (await this.#lock.held().catch(() => false))
      await giveBack({ temporaries, folder: this.folder, keep }).catch(() => {});
    await this.#lock.release(this.folder);
    await rm(this.folder, { recursive: true, force: true }).catch(() => {});
  }

  /** Touches the lock now and then, and finds out when it is lost. */
  #beat(): void {
    const { clock = systemClock } = this.#options;
    this.#cancelBeat = clock.after(BEAT_EVERY, async () => {
      // A disk that does not answer says nothing about the lock.
      await this.check()
        .then(() => this.#lock.beat())
        .catch(() => {});
      if (!this.#lost.signal.aborted) this.#beat();
    });
  }
}

function changed(path: string): PcamError {
  return new PcamError('IO', `${path} was changed by something else after its digest was computed`, {
    hint: 'make sure that nothing else writes into the directory, then run the same command again',
  });
}

async function isFolder(path: string): Promise<boolean> {
  return await lstat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}
