/** Is there room on the disk, before a byte is fetched? */
import { formatBytes, PcamError } from '../core/index.js';
import { freeBytes } from '../fs/index.js';
import type { DatasetFile } from '../manifest/index.js';
import { expectedExtracted } from './target.js';

export interface Need {
  readonly file: DatasetFile;
  /** The archive is already on this disk. */
  readonly archiveThere: boolean;
}

/**
 * Bytes that a run needs at its fullest: everything decompressed, and beside it the archives of the files under way
 * at once; all archives where they are kept.
 */
export function bytesNeeded(
  needs: readonly Need[],
  { jobs, keepArchives, extract }: { jobs: number; keepArchives: boolean; extract: boolean },
): number {
  const archives = needs.map(({ file, archiveThere }) => (archiveThere ? 0 : (file.bytes ?? 0)));
  if (!extract) return sum(archives);
  const extracted = sum(needs.map(({ file }) => expectedExtracted(file)));
  const zipped = archives.filter((_, i) => needs[i]!.file.extracted);
  const beside = keepArchives ? zipped : zipped.sort((a, b) => b - a).slice(0, jobs);
  return extracted + sum(beside);
}

/** @throws PcamError DISK_FULL */
export async function requireRoom(folder: string, needed: number): Promise<void> {
  let free: number;
  try {
    free = await freeBytes(folder);
  } catch {
    return; // a file system that does not tell is given a try
  }
  if (needed <= free) return;
  throw new PcamError(
    'DISK_FULL',
    `not enough room in ${folder}: ${formatBytes(needed)} are needed, ${formatBytes(free)} are free`,
    {
      hint: 'nothing was fetched; make room, choose another folder, or fetch less',
      options: ['dir', 'splits', 'kinds'],
      expected: `${needed} bytes`,
      found: `${free} bytes`,
    },
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
