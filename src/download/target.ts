/** What a run wants of a file, how large it can become, and whether there is room for it. */
import { elementsOf, formatBytes } from '../core/index.js';
import { requireRoom } from '../fs/index.js';
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

export interface RoomSettings {
  jobs: number;
  keepArchives: boolean;
  extract: boolean;
}

/**
 * Bytes that a run needs at its fullest: everything decompressed, and beside it the archives of the files in progress
 * at once; all archives where they are kept.
 */
export function bytesNeeded(needs: readonly Need[], { jobs, keepArchives, extract }: RoomSettings): number {
  const archives = needs.map(({ file, archiveThere }) => (archiveThere ? 0 : (file.bytes ?? 0)));
  if (!extract) return sum(archives);
  const extracted = sum(needs.map(({ file }) => expectedExtracted(file)));
  const zipped = archives.filter((_, i) => needs[i]!.file.extracted);
  const beside = keepArchives ? zipped : zipped.sort((a, b) => b - a).slice(0, jobs);
  return extracted + sum(beside);
}

export interface RoomCheck extends RoomSettings {
  folder: string;
  needs: readonly Need[];
  /** Bytes of unfinished downloads, which are on the disk already. */
  begun: number;
}

/** Bytes of free disk that what is still to be written needs. */
export function roomNeeded({ needs, begun, ...settings }: RoomCheck): number {
  return bytesNeeded(needs, settings) - begun;
}

/** @throws PcamError DISK_FULL, which names what would fit */
export async function requireRoomFor(check: RoomCheck): Promise<void> {
  const { folder, needs, begun, ...settings } = check;
  await requireRoom({
    folder,
    needed: roomNeeded(check),
    advise(free) {
      const way = wayToFit(needs, settings, free + begun);
      return {
        hint: `nothing was fetched; ${way ? way.hint : 'make room, choose another folder, or fetch less'}`,
        options: way?.options ?? ['dir', 'splits', 'kinds'],
      };
    },
  });
}

/** What makes the same files fit, by the least change; undefined when nothing would. */
export function wayToFit(
  needs: readonly Need[],
  settings: RoomSettings,
  free: number,
): { hint: string; options: string[] } | undefined {
  const fits = (change: Partial<RoomSettings>) => bytesNeeded(needs, { ...settings, ...change }) <= free;
  const withChange = (change: Partial<RoomSettings>) =>
    formatBytes(bytesNeeded(needs, { ...settings, ...change }));
  if (!settings.extract) return undefined;
  if (settings.jobs > 1 && fits({ jobs: 1 })) {
    return { hint: `one file at a time needs ${withChange({ jobs: 1 })}`, options: ['jobs'] };
  }
  for (const change of [{ keepArchives: false }, { keepArchives: false, jobs: 1 }]) {
    if (!settings.keepArchives || !fits(change)) continue;
    const oneByOne = 'jobs' in change ? ', one file at a time,' : '';
    const hint = `archives that are not kept${oneByOne} would leave enough room: ${withChange(change)} are needed then`;
    return { hint, options: ['keepArchives', ...('jobs' in change ? ['jobs'] : [])] };
  }
  const extracted = sum(needs.map(({ file }) => expectedExtracted(file)));
  if (extracted > free) return undefined;
  // An archive and what comes out of it lie side by side while it is unpacked, unless they are on two disks.
  const hint =
    `the decompressed files alone need ${formatBytes(extracted)}, which would fit: fetch the archives into a folder ` +
    'on another disk without decompressing them, then take them over from there';
  return { hint, options: ['extract', 'from'] };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
