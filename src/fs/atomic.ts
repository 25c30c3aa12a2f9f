/** Files that appear whole or not at all, and directories that are there for good. */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PcamError, systemCode } from '../core/index.js';
import { requireReachable } from './own-folder.js';

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

/** How often a directory is made again that other runs remove while it is empty. */
const MAX_TRIES = 4;
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

/**
 * Makes a directory, and those above it. Not `recursive: true`, which hides what the disk says (ENOENT for EROFS)
 * and, in some places below /proc, never returns.
 */
export async function makeFolder(path: string): Promise<void> {
  const absolute = resolve(path);
  const above = dirname(absolute);
  for (let tries = 0; ; tries++) {
    try {
      return await mkdir(absolute);
    } catch (error) {
      await requireReachable(absolute);
      if (await isFolder(absolute)) return;
      // Another run may have removed it, or the one above, as they were empty.
      if (systemCode(error) === 'EEXIST' && tries < MAX_TRIES && !(await exists(absolute))) continue;
      if (systemCode(error) !== 'ENOENT' || above === absolute) throw error;
      if (tries === MAX_TRIES) {
        throw new PcamError('IO', `no directory can be made at ${absolute}`, {
          cause: error,
          hint: 'choose another place',
        });
      }
      await makeFolder(above);
    }
  }
}

async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  );
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
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
