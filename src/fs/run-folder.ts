/**
 * The directory of one run for its temporary files. Everything that a run puts into place or removes is renamed out of or
 * into this directory. A run that takes the lock over renames the directories of all others away before anything else:
 * whatever an earlier run still does then, after a suspension or an outage, fails by itself (ENOENT).
 */
import { type BigIntStats, constants } from 'node:fs';
import { link, lstat, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fsError, PcamError, systemCode } from '../core/index.js';
import { type FileIdentity, openFile, sameFile, UnfitFile } from './files.js';
import { makeFolder } from './folders.js';
import type { Owner } from './owner.js';
import { retryBusy, syncFolder, writeNewFile } from './write.js';

/** Files of the data set on their way between two names: the next run keeps them. */
const ASIDE = 'aside.';
/** Bound on recursion through leftover directories. */
const MAX_DEPTH = 8;
const NO_HARD_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL'];

interface RunFolderOptions {
  temporaries: string;
  owner: Owner;
  signal: AbortSignal | undefined;
  /** @throws PcamError LOCKED when the lock is lost */
  check: () => Promise<void>;
}

export class RunFolder {
  readonly owner: Owner;
  /** Path of the directory. */
  readonly folder: string;
  /** Aborted by the caller, or when the lock is found to be lost. */
  readonly signal: AbortSignal;
  /** @throws PcamError LOCKED when the lock is lost. Only for messages: nothing depends on the answer. */
  readonly check: () => Promise<void>;
  readonly #lost = new AbortController();
  #count = 0;

  private constructor(folder: string, { owner, signal, check }: RunFolderOptions) {
    this.owner = owner;
    this.folder = folder;
    this.check = check;
    this.signal = signal ? AbortSignal.any([signal, this.#lost.signal]) : this.#lost.signal;
  }

  /** Makes the directory, and takes those of all other runs away. The caller holds the lock. */
  static async create(options: RunFolderOptions): Promise<RunFolder> {
    const { temporaries, owner, check } = options;
    const run = new RunFolder(join(temporaries, owner.run), options);
    try {
      // A run that had the lock before, and does not know yet that it lost it, may take this directory away.
      for (let isReady = false; !isReady; ) {
        await makeFolder(run.folder);
        // Made before this look at the lock, so that a successor finds it: a run without directory can take none away.
        await check();
        isReady = await run.#takeOthersAway(temporaries);
      }
      return run;
    } catch (error) {
      await run.remainder();
      throw fsError(error, `preparing ${temporaries}`);
    }
  }

  /** The random word of this run. */
  get id(): string {
    return this.owner.run;
  }

  /** Path of a temporary file; no other run has it. */
  path(name: string): string {
    return join(this.folder, name);
  }

  abort(reason: unknown): void {
    this.#lost.abort(reason);
  }

  /**
   * Gives a finished file its final name: flush, compare, rename, flush the directory.
   * @param from a temporary file of this run, or a file elsewhere that carries this run's id; it is gone then
   * @param options.digested what the handle was that the digest was computed through
   * @returns the file under its final name: only now, and only of this, a receipt may be written
   * @throws PcamError IO when the file is not the one that was digested
   */
  async commit(
    from: string,
    final: string,
    { digested }: { digested?: FileIdentity } = {},
  ): Promise<BigIntStats> {
    // Windows flushes only what is open for writing.
    const handle = await openFile(from, { flags: constants.O_RDWR, follow: false });
    try {
      await handle.sync();
      const before = await handle.stat({ bigint: true });
      if (digested && !sameFile(before, digested)) throw changed(from);
      const own = await this.#own(from);
      if (!sameFile(await lstat(own, { bigint: true }), before)) throw changed(from);
      await retryBusy(() => rename(own, final));
      await syncFolder(dirname(final));
      if (own !== from) await rm(from, { force: true });
      const after = await handle.stat({ bigint: true });
      if (sameFile(after, before)) return after;
      if ((await lstat(final, { bigint: true })).ino === before.ino) await this.remove(final);
      throw changed(final);
    } finally {
      await handle.close();
    }
  }

  /** A name in this run's directory, which is gone when another run has taken over. The other name stays meanwhile. */
  async #own(path: string): Promise<string> {
    if (dirname(path) === this.folder) return path;
    const own = this.path(`${++this.#count}.${basename(path)}`);
    try {
      await link(path, own);
    } catch (error) {
      if (!NO_HARD_LINKS.includes(systemCode(error))) throw error;
      await retryBusy(() => rename(path, own));
    }
    return own;
  }

  /** Writes a small file in one step. */
  async write(path: string, data: string | Uint8Array): Promise<void> {
    const temporary = this.path(`${++this.#count}.${basename(path)}`);
    await writeNewFile(temporary, data);
    await retryBusy(() => rename(temporary, path));
    await syncFolder(dirname(path));
  }

  /** Removes a file; nothing there is fine. A directory, which can only be someone else's, is refused. */
  async remove(path: string): Promise<void> {
    const removed = await this.#moveHere(path, `${++this.#count}.removed`);
    if (removed !== undefined) await rm(removed, { force: true });
  }

  /** Moves a file of the data set into this directory, where it stays until `asides` of this or a later run finds it. */
  setAside(path: string): Promise<string | undefined> {
    return this.#moveHere(path, `${ASIDE}${this.id}.${++this.#count}`);
  }

  /** Gives a file that is aside a name. */
  async place(aside: string, final: string): Promise<void> {
    await retryBusy(() => rename(aside, final));
    await syncFolder(dirname(final));
  }

  /** The files of the data set that are aside, set there by this run or left by a killed one. */
  async asides(): Promise<string[]> {
    return (await readdir(this.folder)).filter(isAside).map((name) => this.path(name));
  }

  async #moveHere(path: string, name: string): Promise<string | undefined> {
    const stats = await lstat(path).catch(() => undefined);
    if (stats?.isDirectory()) throw new UnfitFile(path, 'a directory');
    try {
      await retryBusy(() => rename(path, this.path(name)));
      return this.path(name);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
      await this.check(); // there is no such file, or no directory of this run any more
      return undefined;
    }
  }

  /** Removes what is left of this run's temporary files, and the directory unless files of the data set are aside. */
  async remainder(): Promise<void> {
    await this.#clear(this.folder, 0).catch(() => {});
    await rmdir(this.folder).catch(() => {});
  }

  /** @returns false when this run's own directory was taken away meanwhile */
  async #takeOthersAway(temporaries: string): Promise<boolean> {
    try {
      const left: string[] = [];
      for (const name of await readdir(temporaries)) {
        const path = join(temporaries, name);
        if (path !== this.folder) left.push(await this.#takeAway(path, `left.${left.length}`));
      }
      for (const path of left) await this.#remove(path, 0);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
    }
    return await lstat(this.folder).then(
      () => true,
      (error) => systemCode(error) !== 'ENOENT',
    );
  }

  /** @returns where its files are then, if it is still there */
  async #takeAway(path: string, name: string): Promise<string> {
    try {
      await rename(path, this.path(name));
      return this.path(name);
    } catch (error) {
      // Windows does not rename a directory in which a process has a file open; the files themselves can go.
      if (['EPERM', 'EACCES', 'EBUSY'].includes(systemCode(error))) return path;
      // That run has just ended, or this one has lost its directory.
      if (systemCode(error) === 'ENOENT') return this.path(name);
      throw error;
    }
  }

  /** Removes a file or directory that a run left, and brings what is aside in it into this run's directory. */
  async #remove(path: string, depth: number): Promise<void> {
    const stats = await lstat(path).catch(() => undefined);
    if (stats && !stats.isDirectory() && isAside(basename(path)))
      return await rename(path, this.path(basename(path)));
    if (depth < MAX_DEPTH && stats?.isDirectory()) await this.#clear(path, depth + 1);
    await rm(path, { recursive: true, force: true });
  }

  async #clear(folder: string, depth: number): Promise<void> {
    for (const name of await readdir(folder)) {
      if (folder !== this.folder || !isAside(name)) await this.#remove(join(folder, name), depth);
    }
  }
}

function isAside(name: string): boolean {
  return name.startsWith(ASIDE);
}

function changed(path: string): PcamError {
  return new PcamError('IO', `${path} was changed by something else after its digest was computed`, {
    hint: 'make sure that nothing else writes into the directory, then run the same command again',
  });
}
