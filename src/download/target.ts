/** What a run wants of a file, how large it can become, and whether there is room for it. */
import { elementsOf, formatBytes, PcamError } from '../core/index.js';
import { freeBytes } from '../fs/index.js';
import { type Content, contentsOf, type DatasetFile } from '../manifest/index.js';
import { type DigestName, strongest } from '../pass/index.js';

/** The form that is to lie in the data set folder when the run is over. */
export function wanted(file: DatasetFile, extract: boolean): Content {
  const { final, archive } = contentsOf(file);
  return extract ? final : (archive ?? final);
}

export function archiveOf(file: DatasetFile): Content | undefined {
  return contentsOf(file).archive;
}

/** What to digest: the strongest digest of an archive, and MD5 always of what stays, as `verify` and `export` go by it. */
export function digestsOf(content: Content): DigestName[] {
  const names = strongest(content);
  return content.form === 'archive' || names.includes('md5') ? names : ['md5', ...names];
}

const HDF5_OVERHEAD = 64 * 1024 * 1024;
/** deflate cannot do better than 1032 : 1, so an archive of known size bounds what can come out of it. */
const LARGEST_RATIO = 1032;

/**
 * Most bytes that a decompressed file may have before it is taken for a bomb: what the manifest says, else what the
 * array needs with room for HDF5's own structures.
 */
export function mostExtracted(file: DatasetFile): number {
  const { extracted, array, bytes } = file;
  if (extracted?.bytes !== undefined) return extracted.bytes;
  if (array) return elementsOf(array.shape) * 8 + HDF5_OVERHEAD;
  if (bytes !== undefined) return bytes * LARGEST_RATIO;
  return Number.MAX_SAFE_INTEGER;
}

/** Bytes that the file will take, once decompressed; a close guess where the manifest does not say. */
function expectedExtracted(file: DatasetFile): number {
  const { extracted, array, bytes = 0 } = file;
  if (!extracted) return bytes;
  // One byte per element: images and labels of PCam are uint8.
  return extracted.bytes ?? (array ? elementsOf(array.shape) + 4096 : Math.ceil(bytes / 0.85));
}

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
