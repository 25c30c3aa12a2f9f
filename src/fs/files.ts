/** Opens and looks at files under names where anything may lie: a pipe, a device, a link, a directory, gigabytes. */
import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { fsError, PcamError, systemCode } from '../core/index.js';

/** Something other than the expected regular file has a name. */
export class UnfitFile extends PcamError {
  constructor(path: string, found: string) {
    super('IO', `expected a regular file at ${path}, found ${found}`, {
      expected: 'a regular file',
      found,
      hint: 'move it away, then run the same command again',
    });
  }
}

export interface OpenOptions {
  /** How to open it (`O_RDWR`, …). @default O_RDONLY */
  flags?: number;
  /** Follow a link; pcam's own files are never links. @default true */
  follow?: boolean;
}

/**
 * Opens a regular file and nothing else. Never waits: opening a pipe without a writer would block, and the
 * process with it.
 * @throws UnfitFile, or what the file system said
 */
export async function openFile(
  path: string,
  { flags = constants.O_RDONLY, follow = true }: OpenOptions = {},
): Promise<FileHandle> {
  const handle = await open(path, flags | neverBlocking(follow));
  try {
    const stats = await handle.stat();
    if (stats.isDirectory()) throw new UnfitFile(path, 'a directory');
    if (!stats.isFile()) throw new UnfitFile(path, 'a device, pipe or socket');
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Flags for an open call that must not wait, and must not follow a link where `follow` is false. */
export function neverBlocking(follow: boolean): number {
  const { O_NONBLOCK = 0, O_NOFOLLOW = 0 } = constants;
  return O_NONBLOCK | (follow ? 0 : O_NOFOLLOW);
}

export interface SmallFileOptions {
  /** A larger file is refused. */
  maxBytes: number;
  /** @default true */
  follow?: boolean;
}

/**
 * Reads a regular text file of limited size.
 * @throws UnfitFile, or what the file system said
 */
export async function readSmallFile(path: string, { maxBytes, follow }: SmallFileOptions): Promise<string> {
  const handle = await openFile(path, { follow });
  try {
    if ((await handle.stat()).size > maxBytes) throw new UnfitFile(path, `more than ${maxBytes} bytes`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

/**
 * What distinguishes a file from another one, and from its own state before another process wrote to it. Without the
 * device, which some versions of Node report with 64 bits by path and with 32 by handle on Windows
 * (https://github.com/libuv/libuv/issues/4698).
 */
export type FileIdentity = Pick<BigIntStats, 'ino' | 'size' | 'mtimeNs'>;

export function sameFile(a: FileIdentity, b: FileIdentity): boolean {
  return a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs;
}

/** Size, times and inode of a file, links followed; undefined when there is none. */
export async function statFile(path: string): Promise<BigIntStats | undefined> {
  let stats: BigIntStats;
  try {
    stats = await stat(path, { bigint: true });
  } catch (error) {
    // A dangling or circular link counts as missing: the rename of the finished file replaces it.
    if (['ENOENT', 'ELOOP'].includes(systemCode(error))) return undefined;
    throw fsError(error, `looking at ${path}`);
  }
  if (stats.isFile()) return stats;
  const found = stats.isDirectory() ? 'directory' : 'device, pipe or socket';
  throw new PcamError('IO', `${path}: expected a file of the data set, found a ${found}`, {
    hint: 'move it away, then run it again',
  });
}
