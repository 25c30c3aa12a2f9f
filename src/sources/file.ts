/** A folder on this machine or a mounted share. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, systemCode } from '../errors.js';
import { SourceFailure } from '../transfer/failure.js';
import type { RangeReply } from '../transfer/ranged.js';
import type { SourceFactory } from './types.js';

const CHUNK = 1024 * 1024;

export const fileSource: SourceFactory = ({ id, type, baseUrl }) => ({
  id,
  type,
  has: () => true,
  open: async (file, range, signal) => {
    const path = join(baseUrl, file.name);
    let handle: FileHandle | undefined;
    try {
      // A pipe that nobody writes to would block an open call without O_NONBLOCK, and the process with it.
      handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
      const stats = await handle.stat();
      if (!stats.isFile()) throw new SourceFailure('wrong', `${path} is no file`);
      const { size, mtimeMs } = stats;
      if (range.start > size) throw new SourceFailure('wrong', `${path} has only ${size} bytes`);
      const end = Math.min(range.end, size);
      const reply = { start: range.start, end, ranged: true, total: size, validator: `${size}-${mtimeMs}` };
      return { ...reply, ...bodyOf({ handle, path, start: range.start, end, signal }) };
    } catch (error) {
      await handle?.close();
      if (error instanceof SourceFailure) throw error;
      if (systemCode(error) === 'ENOENT')
        throw new SourceFailure('wrong', `there is no ${path}`, { cause: error });
      throw new SourceFailure('wrong', `${path} cannot be read: ${messageOf(error)}`, { cause: error });
    }
  },
});

interface Slice {
  handle: FileHandle;
  path: string;
  start: number;
  end: number;
  signal: AbortSignal;
}

/** The bytes of a slice; the handle is closed when they were read, or by `discard`. */
function bodyOf({ handle, path, start, end, signal }: Slice): Pick<RangeReply, 'body' | 'discard'> {
  // A stream with nothing to read would read all.
  const stream =
    start === end
      ? undefined
      : handle.createReadStream({ start, end: end - 1, highWaterMark: CHUNK, signal });
  stream?.on('error', () => {}); // a stream that is thrown away may still fail later
  async function* body(): AsyncGenerator<Uint8Array> {
    try {
      if (stream) yield* stream;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw new SourceFailure('passing', `${path} cannot be read: ${messageOf(error)}`, { cause: error });
    }
  }
  const discard = () => {
    if (stream) stream.destroy();
    else handle.close().catch(() => {});
  };
  return { body: body(), discard };
}
