/**
 * A disk in memory behind node:fs/promises, for all paths below `/model`, on which runs of the real code can be stopped
 * before any of their steps. Only what the commit protocol uses is there; anything else throws.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { constants } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

/** What changes the disk; opening a file may create it. */
const CHANGES = new Set(['open', 'link', 'rename', 'rm', 'mkdir', 'write', 'writeFile', 'appendFile']);

interface Inode {
  readonly ino: bigint;
  kind: 'file' | 'folder';
  data: Buffer;
  entries: Map<string, Inode>;
  mtime: bigint;
  ctime: bigint;
}

interface StatOptions {
  bigint?: boolean;
}

/** A run of the real code; it is asked before each step. */
export interface Process {
  readonly name: string;
  beforeStep(changes: boolean): Promise<void>;
}

const current = new AsyncLocalStorage<Process>();

export function runAs<T>(process: Process, work: () => Promise<T>): Promise<T> {
  return current.run(process, work);
}

export class MemoryDisk {
  #inodes = 0n;
  /** Nanoseconds; each change of a file is later than the one before. */
  #now = 10n ** 18n;
  readonly root = this.#inode('folder');
  /** Called after each change. */
  onChange: () => void = () => {};

  /** Lets time pass, so that the heartbeats of all who are stopped are old. */
  pass(ms: number): void {
    this.#now += BigInt(ms) * 1_000_000n;
  }

  /** The file under a path; undefined when there is none. */
  read(path: string): Inode | undefined {
    try {
      return this.#find(path);
    } catch {
      return undefined;
    }
  }

  #inode(kind: Inode['kind']): Inode {
    const now = ++this.#now;
    return { ino: ++this.#inodes, kind, data: Buffer.alloc(0), entries: new Map(), mtime: now, ctime: now };
  }

  #changed(...inodes: Inode[]): void {
    for (const inode of inodes) inode.ctime = ++this.#now;
    this.onChange();
  }

  #find(path: string): Inode {
    let at = this.root;
    for (const step of path.split('/').filter(Boolean).slice(1)) {
      if (at.kind !== 'folder') throw failure('ENOTDIR', path);
      const next = at.entries.get(step);
      if (!next) throw failure('ENOENT', path);
      at = next;
    }
    return at;
  }

  #parent(path: string): { folder: Inode; name: string } {
    const end = path.lastIndexOf('/');
    return { folder: this.#find(path.slice(0, end)), name: path.slice(end + 1) };
  }

  open(path: string, how: string | number = 'r'): object {
    const letters: Record<string, number> = {
      r: constants.O_RDONLY,
      'r+': constants.O_RDWR,
      w: constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC,
      wx: constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
    };
    const flags = typeof how === 'number' ? how : letters[how]!;
    const { folder, name } = this.#parent(path);
    let inode = folder.entries.get(name);
    if (inode && flags & constants.O_EXCL) throw failure('EEXIST', path);
    if (!inode) {
      if (!(flags & constants.O_CREAT)) throw failure('ENOENT', path);
      inode = this.#inode('file');
      folder.entries.set(name, inode);
      this.#changed();
    }
    if (flags & constants.O_TRUNC) inode.data = Buffer.alloc(0);
    return this.#handle(inode, Boolean(flags & constants.O_APPEND));
  }

  #handle(inode: Inode, append: boolean): object {
    const put = (bytes: Buffer, at: number) => {
      const data = Buffer.alloc(Math.max(inode.data.length, at + bytes.length));
      inode.data.copy(data);
      bytes.copy(data, at);
      inode.data = data;
      inode.mtime = ++this.#now;
      this.#changed(inode);
    };
    const end = () => inode.data.length;
    const actions = {
      stat: (options?: StatOptions) => this.#stats(inode, options),
      read: (buffer: Buffer, offset: number, length: number, position: number) => ({
        bytesRead: inode.data.copy(buffer, offset, position, position + length),
      }),
      readFile: (encoding?: BufferEncoding) =>
        encoding ? inode.data.toString(encoding) : Buffer.from(inode.data),
      write: (bytes: Buffer | string, a = 0, length?: number, position?: number) => {
        if (typeof bytes === 'string') put(Buffer.from(bytes), a);
        else put(Buffer.from(bytes.subarray(a, a + (length ?? bytes.length))), position ?? end());
        return { bytesWritten: length ?? bytes.length };
      },
      writeFile: (text: string | Buffer) => put(Buffer.from(text as string), 0),
      appendFile: (text: string) => put(Buffer.from(text), append ? end() : end()),
      sync: () => {},
      datasync: () => {},
    };
    const gated = Object.entries(actions).map(([name, act]) => [
      name,
      gate(act as (...args: never[]) => unknown, CHANGES.has(name)),
    ]);
    return { ...Object.fromEntries(gated), close: async () => {} };
  }

  #stats({ kind, data, ino, mtime, ctime }: Inode, { bigint = false }: StatOptions = {}): object {
    return {
      ...(bigint
        ? { dev: 1n, ino, size: BigInt(data.length), mtimeNs: mtime, ctimeNs: ctime }
        : { dev: 1, ino: Number(ino), size: data.length }),
      mtimeMs: Number(mtime / 1_000_000n),
      isFile: () => kind === 'file',
      isDirectory: () => kind === 'folder',
      isSymbolicLink: () => false,
    };
  }

  lstat = (path: string, options?: StatOptions) => this.#stats(this.#find(path), options);

  link(from: string, to: string): void {
    const inode = this.#find(from);
    const { folder, name } = this.#parent(to);
    if (folder.entries.has(name)) throw failure('EEXIST', to);
    folder.entries.set(name, inode);
    this.#changed(inode);
  }

  rename(from: string, to: string): void {
    const source = this.#parent(from);
    const target = this.#parent(to);
    const inode = source.folder.entries.get(source.name);
    if (!inode) throw failure('ENOENT', from);
    if (target.folder.entries.get(target.name) === inode) return; // two names of one file: rename(2) does nothing
    source.folder.entries.delete(source.name);
    target.folder.entries.set(target.name, inode);
    this.#changed(inode);
  }

  rm(path: string, { recursive = false, force = false } = {}): void {
    const inode = this.read(path);
    if (!inode) {
      if (force) return;
      throw failure('ENOENT', path);
    }
    if (inode.kind === 'folder' && !recursive) throw failure('EISDIR', path);
    const { folder, name } = this.#parent(path);
    folder.entries.delete(name);
    this.#changed(inode);
  }

  mkdir(path: string): void {
    const { folder, name } = this.#parent(path);
    if (folder.entries.has(name)) throw failure('EEXIST', path);
    folder.entries.set(name, this.#inode('folder'));
    this.#changed();
  }

  readdir(path: string, options?: { withFileTypes?: boolean }): unknown[] {
    const { entries } = this.#find(path);
    if (!options?.withFileTypes) return [...entries.keys()];
    return [...entries].map(([name, { kind }]) => ({ name, isDirectory: () => kind === 'folder' }));
  }

  /** Puts a disk in place of the real one; returns how to take it away. */
  static mount(disk: () => MemoryDisk): () => void {
    const real = { ...fs };
    const mine: Record<string, (...args: never[]) => unknown> = {
      open: (path: string, flags?: string | number) => disk().open(path, flags),
      lstat: (path: string, options?: StatOptions) => disk().lstat(path, options),
      stat: (path: string, options?: StatOptions) => disk().lstat(path, options),
      link: (from: string, to: string) => disk().link(from, to),
      rename: (from: string, to: string) => disk().rename(from, to),
      rm: (path: string, options?: object) => disk().rm(path, options),
      mkdir: (path: string) => disk().mkdir(path),
      readdir: (path: string, options?: object) => disk().readdir(path, options),
      copyFile: (path: string) => {
        throw failure('ENOTSUP', path);
      },
    };
    for (const [name, act] of Object.entries(mine)) {
      const gated = gate(act, CHANGES.has(name));
      const other = (real as never as Record<string, (...args: unknown[]) => unknown>)[name]!;
      Object.assign(fs, {
        [name]: (path: string, ...rest: never[]) => {
          if (path.startsWith('/model')) return gated(path as never, ...rest);
          // In /proc a run sees nothing of the other one: each is in a container of its own.
          if (current.getStore() && path.startsWith('/proc')) return Promise.reject(failure('ENOENT', path));
          return other(path, ...rest);
        },
      });
    }
    Object.assign(fs, {
      readlink: async (path: string) =>
        current.getStore() ? `${path} of ${current.getStore()!.name}` : real.readlink(path),
    });
    syncBuiltinESMExports();
    return () => {
      Object.assign(fs, real);
      syncBuiltinESMExports();
    };
  }
}

/** A step of whoever is running. */
function gate<A extends unknown[], R>(act: (...args: A) => R, changes: boolean): (...args: A) => Promise<R> {
  return async (...args) => {
    await current.getStore()?.beforeStep(changes);
    return act(...args);
  };
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
