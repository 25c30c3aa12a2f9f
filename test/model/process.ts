/** Runs of the real code on a disk in memory, as processes that stop before any of their system calls. */
import { AsyncLocalStorage } from 'node:async_hooks';
import crypto from 'node:crypto';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { type Disk, failure, Handle } from './disk.js';

const current = new AsyncLocalStorage<Process>();

export class Process {
  /** System calls that were begun. */
  calls = 0;
  /** Those of them that changed the disk. */
  readonly changes: number[] = [];
  readonly name: string;
  readonly disk: Disk;
  /** 'done', or the code of the error; undefined while it runs. */
  outcome: string | undefined;
  #stopBefore = 0;
  /** Calls that wait for their turn: several, where the code does things side by side. */
  #waiting: (() => void)[] = [];
  #onStop: () => void = () => {};

  constructor(name: string, disk: Disk, work: () => Promise<unknown>) {
    this.name = name;
    this.disk = disk;
    void current.run(this, async () => {
      await this.#turn();
      this.outcome = await work().then(
        () => 'done',
        (error) => (error.code === 'INTERNAL' ? String(error.stack) : String(error.code ?? error.stack)),
      );
      this.#onStop();
    });
  }

  /** Its PID namespace. */
  get place(): string {
    return this.name;
  }

  /** Lets it run until it is about to make its call number `calls`, or has ended. */
  async runUntil(calls = Number.POSITIVE_INFINITY): Promise<void> {
    if (this.outcome !== undefined || this.calls >= calls) return;
    this.#stopBefore = calls;
    await new Promise<void>((resolve) => {
      this.#onStop = resolve;
      for (const proceed of this.#waiting.splice(0)) proceed();
    });
  }

  async call<T>(action: () => T): Promise<T> {
    await this.#turn();
    const number = this.calls++;
    const { onChange } = this.disk;
    this.disk.onChange = () => {
      if (this.changes.at(-1) !== number) this.changes.push(number);
      onChange();
    };
    try {
      return action();
    } finally {
      this.disk.onChange = onChange;
    }
  }

  async #turn(): Promise<void> {
    while (this.calls >= this.#stopBefore) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        this.#onStop();
      });
    }
  }
}

type Call = (...args: never[]) => unknown;

/**
 * Puts the disk of the process that is running behind node:fs/promises, for all paths below `/model`. Processes cannot
 * see each other, as in containers, and nobody waits: what others do meanwhile is up to the schedule.
 * @returns how to take it away again
 */
export function mount(): () => void {
  const real = { ...fs };
  const { randomBytes } = crypto;
  const { setTimeout: wait } = globalThis;
  const names = ['open', 'lstat', 'link', 'rename', 'rm', 'rmdir', 'mkdir', 'readdir'] as const;
  const calls: Record<string, Call> = {
    stat: (path: string, options?: object) => current.getStore()!.disk.lstat(path, options),
    copyFile: (path: string) => {
      throw failure('ENOTSUP', path);
    },
  };
  for (const name of names)
    calls[name] = (...args: never[]) => (current.getStore()!.disk[name] as Call)(...args);
  for (const [name, call] of Object.entries(calls)) {
    const other = real[name as 'open'] as Call;
    const replaced = (path: string, ...rest: never[]) => {
      const process = current.getStore();
      if (!process) return other(path as never, ...rest);
      if (!path.startsWith('/model')) return Promise.reject(failure('ENOENT', path));
      return process.call(() => handleOf(call(path as never, ...rest), process));
    };
    Object.assign(fs, { [name]: replaced });
  }
  Object.assign(fs, {
    readlink: async (path: string) => {
      const process = current.getStore();
      return process ? process.place : real.readlink(path);
    },
  });
  // The same words in every play of a schedule.
  const word = (size: number) => Buffer.alloc(size, current.getStore()?.name);
  Object.assign(crypto, {
    randomBytes: (size: number) => (current.getStore() ? word(size) : randomBytes(size)),
  });
  const soon = (callback: () => void, ms: number) =>
    current.getStore() ? queueMicrotask(callback) : wait(callback, ms);
  Object.assign(globalThis, { setTimeout: soon });
  syncBuiltinESMExports();
  return () => {
    Object.assign(fs, real);
    Object.assign(crypto, { randomBytes });
    Object.assign(globalThis, { setTimeout: wait });
    syncBuiltinESMExports();
  };
}

/** What a handle does is a system call of the process that opened it, but for flushing and closing. */
function handleOf(value: unknown, process: Process): unknown {
  if (!(value instanceof Handle)) return value;
  const names = ['stat', 'read', 'readFile', 'write', 'writeFile', 'appendFile', 'truncate'] as const;
  const calls = names.map((name) => {
    const call = (...args: never[]) => process.call(() => (value[name] as Call)(...args));
    return [name, call] as const;
  });
  const nothing = async () => {};
  return { ...Object.fromEntries(calls), sync: nothing, datasync: nothing, close: nothing };
}
