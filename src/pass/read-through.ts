/** Reads a file from its beginning in large pieces, the next one while the last one is worked on. */
import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { openFile } from '../fs/index.js';
import { doing, Failure } from './failure.js';
import type { Digested, DigestName, HandleStats } from './protocol.js';

/** Bytes of one read. */
const CHUNK = 1024 * 1024;

export interface ReadThrough {
  path: string;
  handle: FileHandle;
  /** Size of the file where its bytes go round. @default no end */
  window?: number;
  /** Resolves to where the file may be read up to, once there is more than `position` or the end is known. */
  limit(position: number): number | Promise<number>;
  /** The bytes are good until it resolves. */
  take(chunk: Buffer, position: number): void | Promise<void>;
}

/** @returns the bytes that were read */
export async function readThrough({
  path,
  handle,
  window = Number.POSITIVE_INFINITY,
  limit,
  take,
}: ReadThrough): Promise<number> {
  // Two buffers take turns: one is worked on while the other is filled.
  const buffers = [Buffer.allocUnsafeSlow(CHUNK), Buffer.allocUnsafeSlow(CHUNK)] as const;
  const read = async (turn: number, at: number): Promise<Buffer> => {
    const place = Number.isFinite(window) ? at % window : at;
    const want = Math.min(CHUNK, (await limit(at)) - at, window - place);
    const buffer = buffers[turn % 2]!;
    if (want <= 0) return buffer.subarray(0, 0);
    const { bytesRead } = await doing(`reading ${path}`, handle.read(buffer, 0, want, place));
    if (bytesRead === 0) throw new Failure('SHORT', `it ends at byte ${at}`, `reading ${path}`);
    return buffer.subarray(0, bytesRead);
  };
  let position = 0;
  let next = read(0, 0);
  for (let turn = 1; ; turn++) {
    const chunk = await next;
    if (chunk.length === 0) return position;
    position += chunk.length;
    next = read(turn, position);
    next.catch(() => {}); // reported when it is awaited
    await take(chunk, position);
  }
}

export interface DigestRequest {
  path: string;
  /** How many bytes of the file to digest: its size. */
  bytes: number;
  digests: readonly DigestName[];
}

/** `changed`: another process wrote to the file between the first byte and the last. */
export type FileDigests = Digested & { changed: boolean };

/** @param onRead hears of every piece; what it throws ends the reading */
export async function digestThrough(
  { path, bytes, digests }: DigestRequest,
  onRead: (read: number) => void,
): Promise<FileDigests> {
  const handle = await doing(`reading ${path}`, openFile(path));
  try {
    const before = await handle.stat({ bigint: true });
    const hashes = digests.map((name) => [name, createHash(name)] as const);
    await readThrough({
      path,
      handle,
      limit: () => bytes,
      take(chunk, position) {
        for (const [, hash] of hashes) hash.update(chunk);
        onRead(position);
      },
    });
    const after = await handle.stat({ bigint: true });
    return {
      bytes,
      digests: Object.fromEntries(hashes.map(([name, hash]) => [name, hash.digest('hex')])),
      stats: statsOf(after),
      changed: isChanged(before, after),
    };
  } finally {
    await handle.close();
  }
}

/** A class does not survive the way to another thread. */
export function statsOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): HandleStats {
  return { dev, ino, size, mtimeNs, ctimeNs };
}

/** Whether the file was written to between two looks at the same handle. */
export function isChanged(before: HandleStats, after: HandleStats): boolean {
  return before.size !== after.size || before.mtimeNs !== after.mtimeNs;
}
