/** Looks at a path where a file of the data set belongs. */
import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { fsError, PcamError, systemCode } from '../core/index.js';

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
    if (systemCode(error) === 'ENOENT') {
      // A dangling link counts as missing: the rename of the finished file replaces it.
      return undefined;
    }
    if (systemCode(error) === 'ELOOP') return undefined;
    throw fsError(error, `looking at ${path}`);
  }
  if (stats.isFile()) return stats;
  throw new PcamError('IO', `${path}: expected a file of the data set, found a ${kindOf(stats)}`, {
    hint: 'move it away, then run it again',
  });
}

function kindOf(stats: BigIntStats): string {
  if (stats.isDirectory()) return 'directory';
  return 'device, pipe or socket';
}
