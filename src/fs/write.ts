/** Writes files: all their bytes, and in one step, so that they appear whole or not at all. */
import { randomBytes } from 'node:crypto';
import { constants, writeSync } from 'node:fs';
import { copyFile, type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemCode, throwIfAborted } from '../core/index.js';
import { openFile } from './files.js';
import { makeFolder } from './folders.js';

/** Writes a small file in one step, in a directory that this process need not own. */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  await makeFolder(dirname(path));
  await replaceFile(path, (temporary) => writeNewFile(temporary, data));
}

/**
 * Replaces a file by what `write` creates under a temporary name beside it, flushed; or leaves it as it is. For single
 * files that a person asks for, in a directory that this process need not own.
 */
export async function replaceFile<T>(path: string, write: (temporary: string) => Promise<T>): Promise<T> {
  const temporary = `${path}.tmp-${randomBytes(8).toString('hex')}`;
  try {
    const result = await write(temporary);
    // Windows flushes only what is open for writing.
    const handle = await open(temporary, 'r+');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    await retryBusy(() => rename(temporary, path));
    await syncFolder(dirname(path));
    return result;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Pauses between the tries of a call that another program disturbs (ms); some three seconds in all. */
const BUSY_DELAYS_MS = [25, 50, 100, 200, 400, 800, 1600];

/**
 * Repeats a call on a file that another program has open for a moment: virus scanners and indexers on Windows (EBUSY,
 * EPERM, EACCES), file servers (ESTALE, EBUSY). Missing permission says EPERM or EACCES too; so these are repeated only
 * for a rename or removal, which comes after this process has created a file there.
 */
export async function retryBusy<T>(call: () => Promise<T>): Promise<T> {
  for (const delay of BUSY_DELAYS_MS) {
    try {
      return await call();
    } catch (error) {
      if (!isBusy(error)) throw error;
      await sleep(delay);
    }
  }
  return await call();
}

function isBusy(error: unknown): boolean {
  const code = systemCode(error);
  if (code === 'EBUSY' || code === 'ESTALE') return true;
  const { syscall = '' } = error as NodeJS.ErrnoException;
  return (code === 'EPERM' || code === 'EACCES') && ['rename', 'unlink'].includes(syscall);
}

/** Creates a file with this content, flushed. Fails where anything is there already, links included. */
export async function writeNewFile(path: string, data: string | Uint8Array): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW = 0 } = constants;
  const handle = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o666);
  try {
    await handle.writeFile(data);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Flushes a directory, so that a rename survives a power loss. */
export async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(folder, 'r');
    await handle.sync();
  } catch {
    // Windows and some network file systems cannot flush a directory; the rename itself has succeeded.
  } finally {
    await handle?.close();
  }
}

const COPY_BLOCK_BYTES = 1024 * 1024;

/** Writes all bytes: a disk that fills up may accept a part of a write, and refuse the rest at the next one. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const step = await handle.write(bytes, written, bytes.length - written, position + written);
    written += step.bytesWritten;
  }
}

/** The synchronous `writeAll`. @param position @default where the last write ended */
export function writeAllSync(fd: number, bytes: Uint8Array, position?: number): void {
  for (let at = 0; at < bytes.length; ) {
    at += writeSync(fd, bytes, at, bytes.length - at, position === undefined ? null : position + at);
  }
}

/**
 * Copies a regular file to a new one; a file system with reflinks shares the blocks.
 * @throws UnfitFile, or what the file system said
 */
export async function copyInto(from: string, to: string, signal?: AbortSignal): Promise<void> {
  const source = await openFile(from);
  try {
    const { COPYFILE_FICLONE_FORCE, COPYFILE_EXCL } = constants;
    if (await copyFile(from, to, COPYFILE_FICLONE_FORCE | COPYFILE_EXCL).then(() => true, ifNotCloned))
      return;
    const target = await open(to, 'w');
    try {
      const block = Buffer.allocUnsafe(COPY_BLOCK_BYTES);
      for (let at = 0; ; ) {
        throwIfAborted(signal);
        const { bytesRead } = await source.read(block, 0, COPY_BLOCK_BYTES, at);
        if (bytesRead === 0) return;
        await writeAll(target, block.subarray(0, bytesRead), at);
        at += bytesRead;
      }
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

function ifNotCloned(error: NodeJS.ErrnoException): false {
  if (['ENOSPC', 'EDQUOT', 'EACCES', 'EROFS', 'EEXIST', 'ENOENT'].includes(systemCode(error))) throw error;
  return false;
}
