/** A folder on this machine or a mounted share. */
import { type FileHandle, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type ByteRange, localError, messageOf, systemCode } from '../core/index.js';
import { openFile } from '../fs/index.js';
import { SourceFailure } from '../net/index.js';
import type { SourceFactory } from './source.js';

const CHUNK = 1024 * 1024;

const NO_DIRECTORY =
  'mount it or correct its path; where it is meant to be a URL, it begins with http:// or https://';

export const fileSource: SourceFactory = ({ baseUrl }) => ({
  has: () => true,
  urlOf: ({ name }) => join(baseUrl, name),
  open: async (file, range, signal) => {
    const path = join(baseUrl, file.name);
    // Before it is opened: to open a pipe would wait for a writer.
    const stats = await stat(path).catch(async (error) => {
      const isThere = await stat(baseUrl).then(
        () => true,
        () => false,
      );
      if (!isThere)
        throw new SourceFailure('wrong', `there is no directory ${baseUrl}`, {
          wholeHost: true,
          hint: NO_DIRECTORY,
        });
      return unreadable(path)(error);
    });
    if (!stats.isFile()) throw new SourceFailure('wrong', `${path} is not a file`);
    const { size, mtimeMs } = stats;
    const { start } = range;
    if (start > size) throw new SourceFailure('wrong', `${path} has only ${size} bytes`);
    const end = Math.min(range.end, size);
    const handle = await openFile(path).catch(unreadable(path));
    return {
      start,
      end,
      ranged: true,
      total: size,
      validator: `${size}-${mtimeMs}`,
      body: read(handle, { path, range: { start, end }, signal }),
      discard: () => void handle.close().catch(() => {}),
    };
  },
});

/** The same buffer again and again: a consumer must copy what it keeps before it asks for the next chunk. */
async function* read(
  handle: FileHandle,
  { path, range: { start, end }, signal }: { path: string; range: ByteRange; signal: AbortSignal },
): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK, end - start));
  for (let at = start; at < end; ) {
    if (signal.aborted) throw signal.reason;
    const length = Math.min(buffer.length, end - at);
    const { bytesRead } = await handle.read(buffer, 0, length, at).catch(unreadable(path));
    if (bytesRead === 0) return; // it was truncated; the reader sees that bytes are missing
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** An unmounted share or a bad sector is a failure of this source alone: others may have the bytes. */
function unreadable(path: string): (cause: unknown) => never {
  return (cause) => {
    const local = localError(cause);
    if (local) throw local; // this process has run out of something, and no other source would help
    const missing = systemCode(cause) === 'ENOENT';
    const message = missing ? `there is no ${path}` : `${path} cannot be read: ${messageOf(cause)}`;
    throw new SourceFailure('wrong', message, { missing, cause });
  };
}
