/** A folder on this machine or a mounted share. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, systemCode } from '../errors.js';
import { SourceFailure } from '../transfer/failure.js';
import type { SourceFactory } from './types.js';

const CHUNK = 1024 * 1024;

export const fileSource: SourceFactory = ({ id, type, baseUrl }) => ({
  id,
  type,
  has: () => true,
  open: async (file, range, signal) => {
    const path = join(baseUrl, file.name);
    try {
      const handle = await open(path, 'r');
      const { size, mtimeMs } = await handle.stat();
      const end = Math.min(range.end, size);
      if (range.start > size) {
        await handle.close();
        throw new SourceFailure('wrong', `${path} has only ${size} bytes`);
      }
      // A stream with nothing to read would read all.
      if (range.start === end) await handle.close();
      const body =
        range.start === end
          ? emptyBody()
          : handle.createReadStream({ start: range.start, end: end - 1, highWaterMark: CHUNK, signal });
      const discard = () => void ('destroy' in body && body.destroy());
      if ('on' in body) body.on('error', () => {});
      const validator = `${size}-${mtimeMs}`;
      return { start: range.start, end, ranged: true, total: size, validator, body, discard };
    } catch (error) {
      if (error instanceof SourceFailure) throw error;
      if (systemCode(error) === 'ENOENT')
        throw new SourceFailure('wrong', `there is no ${path}`, { cause: error });
      throw new SourceFailure('wrong', `${path} cannot be read: ${messageOf(error)}`, { cause: error });
    }
  },
});

async function* emptyBody(): AsyncGenerator<Uint8Array> {}
