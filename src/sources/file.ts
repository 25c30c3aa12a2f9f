/** A folder on this machine or a mounted share. */
import { type FileHandle, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type ByteRange, localError, messageOf, systemCode } from '../core/index.js';
import { openFile } from '../fs/index.js';
import { SourceFailure } from '../net/index.js';
import type { SourceFactory } from './types.js';

const CHUNK = 1024 * 1024;

export const fileSource: SourceFactory = ({ id, type, baseUrl }) => ({
  id,
  type,
  has: () => true,
  open: async (file, range, signal) => {
    const path = join(baseUrl, file.name);
    const { size, mtimeMs } = await lookAt(path);
    const end = Math.min(range.end, size);
    if (range.start > size) throw new SourceFailure('wrong', `${path} has only ${size} bytes`);
    const handle = await openFile(path).catch((error) => {
      throw unreadable(path, error);
    });
    const close = () => void handle.close().catch(() => {});
    const body = read(handle, { path, range: { start: range.start, end }, signal });
    const validator = `${size}-${mtimeMs}`;
    return { start: range.start, end, ranged: true, total: size, validator, body, discard: close };
  },
});

/** Before it is opened: to open a pipe would wait for a writer. */
async function lookAt(path: string): Promise<{ size: number; mtimeMs: number }> {
  const stats = await stat(path).catch((error) => {
    throw unreadable(path, error);
  });
  if (!stats.isFile()) throw new SourceFailure('wrong', `${path} is not a file`);
  return stats;
}

/** The same buffer again and again: a consumer must copy what it keeps before it asks for the next chunk. */
async function* read(
  handle: FileHandle,
  { path, range: { start, end }, signal }: { path: string; range: ByteRange; signal: AbortSignal },
): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK, end - start));
  for (let at = start; at < end; ) {
    if (signal.aborted) throw signal.reason;
    const { bytesRead } = await handle
      .read(buffer, 0, Math.min(buffer.length, end - at), at)
      .catch((error) => {
        throw unreadable(path, error);
      });
    if (bytesRead === 0) return; // it was truncated; the reader sees that bytes are missing
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** An unmounted share or a bad sector is a failure of this source alone: others may have the bytes. */
function unreadable(path: string, cause: unknown): Error {
  const local = localError(cause);
  if (local) return local; // this process has run out of something, and no other source would help
  if (systemCode(cause) === 'ENOENT')
    return new SourceFailure('wrong', `there is no ${path}`, { missing: true, cause });
  return new SourceFailure('wrong', `${path} cannot be read: ${messageOf(cause)}`, { cause });
}
