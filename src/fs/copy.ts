/** Writing and copying bytes, all of them. */
import { constants, writeSync } from 'node:fs';
import { copyFile, type FileHandle, open } from 'node:fs/promises';
import { throwIfAborted } from '../core/index.js';
import { openFile } from './open.js';

const BLOCK = 1024 * 1024;

/** A disk that fills up can take the first part of a write and refuse the rest only then. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const step = await handle.write(bytes, written, bytes.length - written, position + written);
    written += step.bytesWritten;
  }
}

/** The same without a turn of the event loop. @param position absent: where the last write ended */
export function writeAllSync(fd: number, bytes: Uint8Array, position?: number): void {
  for (let at = 0; at < bytes.length; ) {
    at += writeSync(fd, bytes, at, bytes.length - at, position === undefined ? null : position + at);
  }
}

/**
 * Copies a regular file to a new one; shares its blocks where the file system can. Stops soon after an abort.
 * @throws UnfitFile, or what the file system said
 */
export async function copyInto(from: string, to: string, signal?: AbortSignal): Promise<void> {
  const source = await openFile(from);
  try {
    const { COPYFILE_FICLONE_FORCE, COPYFILE_EXCL } = constants;
    if (await copyFile(from, to, COPYFILE_FICLONE_FORCE | COPYFILE_EXCL).then(ok, notCloned)) return;
    const target = await open(to, 'w');
    try {
      const block = Buffer.allocUnsafe(BLOCK);
      for (let at = 0; ; ) {
        throwIfAborted(signal);
        const { bytesRead } = await source.read(block, 0, BLOCK, at);
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

const ok = () => true;

function notCloned(error: NodeJS.ErrnoException): false {
  if (['ENOSPC', 'EDQUOT', 'EACCES', 'EROFS', 'EEXIST', 'ENOENT'].includes(error.code ?? '')) throw error;
  return false;
}
