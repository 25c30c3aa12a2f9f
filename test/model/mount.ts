/** Puts a disk in memory behind node:fs/promises, for all paths below `/model`. */
import crypto from 'node:crypto';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { failure, type MemoryDisk } from './memory-disk.js';
import { act, running } from './process.js';

type Act = (...args: never[]) => unknown;
type Functions = Record<string, (...args: never[]) => unknown>;

/** @returns how to take it away again */
export function mount(disk: () => MemoryDisk): () => void {
  const real = { ...fs };
  const { randomBytes } = crypto;
  Object.assign(fs, Object.fromEntries(Object.entries(actionsOn(disk)).map(replaced)));
  // A run sees nothing of another one: each is in a container of its own.
  const { readlink } = real;
  const own = async (path: string) => (running() ? `${path} of ${running()!.name}` : readlink(path));
  Object.assign(fs, { readlink: own });
  // The same tokens in every play, so that disks can be compared.
  const token = (size: number) => Buffer.alloc(size, running()?.name);
  Object.assign(crypto, { randomBytes: (size: number) => (running() ? token(size) : randomBytes(size)) });
  syncBuiltinESMExports();
  // Nobody waits: what another run does meanwhile is up to the explorer.
  const { setTimeout: wait } = globalThis;
  const soon = (callback: () => void, ...rest: [number]) =>
    running() ? queueMicrotask(callback) : wait(callback, ...rest);
  Object.assign(globalThis, { setTimeout: soon });
  return () => {
    Object.assign(globalThis, { setTimeout: wait });
    Object.assign(fs, real);
    Object.assign(crypto, { randomBytes });
    syncBuiltinESMExports();
  };
}

function actionsOn(disk: () => MemoryDisk): Record<string, Act> {
  const named = ['open', 'lstat', 'link', 'rename', 'rm', 'mkdir', 'readdir', 'rmdir'] as const;
  const actions = named.map((name) => [name, (...args: never[]) => (disk()[name] as Act)(...args)]);
  return {
    ...(Object.fromEntries(actions) as Record<string, Act>),
    stat: (path: string, options?: object) => disk().lstat(path, options),
    copyFile: (path: string) => {
      throw failure('ENOTSUP', path);
    },
  };
}

function replaced([name, action]: [string, Act]): [string, unknown] {
  const other = (fs as never as Functions)[name]!;
  const chosen = (path: string, ...rest: never[]) => {
    if (path.startsWith('/model')) return act(() => action(path as never, ...rest));
    if (running() && path.startsWith('/proc')) return Promise.reject(failure('ENOENT', path));
    return (other as (...args: unknown[]) => unknown)(path, ...rest);
  };
  return [name, chosen];
}
