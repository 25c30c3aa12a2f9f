/** Reads a file from its beginning in large pieces, the next piece while the last one is worked on. */
import type { FileHandle } from 'node:fs/promises';
import { fsError, systemCode } from '../core/index.js';
import { openFile } from '../fs/index.js';
import { InputChanged } from './types.js';

/** Bytes of one read. */
const READ_BYTES = 1024 * 1024;

/** @throws InputChanged when there is no file */
export async function openInput(path: string): Promise<FileHandle> {
  return await openFile(path).catch((error) => {
    throw readError(error, path);
  });
}

/**
 * @param available resolves to where the file may be read up to, once there is more than `position` or the end is known
 * @returns pieces, each good until the next is asked for
 * @throws InputChanged when the file ends early
 */
export async function* readInput(
  handle: FileHandle,
  path: string,
  available: (position: number) => number | Promise<number>,
): AsyncGenerator<Buffer> {
  // Two buffers take turns: one is worked on while the other is filled.
  const buffers = [Buffer.allocUnsafeSlow(READ_BYTES), Buffer.allocUnsafeSlow(READ_BYTES)] as const;
  const read = async (turn: number, position: number): Promise<Buffer> => {
    const buffer = buffers[turn % 2]!;
    const wanted = Math.min(READ_BYTES, (await available(position)) - position);
    if (wanted <= 0) return buffer.subarray(0, 0);
    const { bytesRead } = await handle.read(buffer, 0, wanted, position).catch((error) => {
      throw readError(error, path);
    });
    if (bytesRead === 0) throw new InputChanged(`it ends at byte ${position} while reading ${path}`);
    return buffer.subarray(0, bytesRead);
  };
  let position = 0;
  let next = read(0, 0);
  for (let turn = 1; ; turn++) {
    const piece = await next;
    if (piece.length === 0) return;
    position += piece.length;
    next = read(turn, position);
    next.catch(() => {}); // reported when it is awaited
    yield piece;
  }
}

function readError(error: unknown, path: string): Error {
  if (systemCode(error) === 'ENOENT')
    return new InputChanged(`a file went missing while reading ${path}`, 'MISSING');
  return fsError(error, `reading ${path}`);
}
