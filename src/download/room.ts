/** Whether there is room on the disk for what a run is to fetch, and how to make do with less. */
import { formatBytes } from '../core/index.js';
import { freeBytes, requireRoom } from '../fs/index.js';
import type { DatasetFile } from '../manifest/index.js';
import { expectedExtracted } from './target.js';

const MIB = 1024 * 1024;
const SMALLEST_WINDOW = 2 * MIB;
/** The part of a decompressed file's size that its archive may take beside it. */
const WINDOW_SHARE = 1 / 16;

/** Bytes of the archive that are on the disk at a time where it is unpacked as it arrives. */
export function windowOf(file: DatasetFile): number {
  return Math.max(SMALLEST_WINDOW, Math.floor((expectedExtracted(file) * WINDOW_SHARE) / MIB) * MIB);
}

export interface Need {
  readonly file: DatasetFile;
  /** The archive is already on this disk. */
  readonly archiveThere: boolean;
  /** An earlier run has left bytes of it. */
  readonly begun: boolean;
}

export interface RoomSettings {
  readonly jobs: number;
  readonly keepArchives: boolean;
  readonly extract: boolean;
}

/** How a run goes about its files, for want of room or because it was asked to. */
export interface RoomPlan {
  readonly jobs: number;
  /** Files whose archive is never on the disk as a whole: they cannot be resumed. */
  readonly windowed: ReadonlySet<DatasetFile>;
}

/**
 * Bytes that a run needs at its fullest: everything decompressed, and beside it the archives of the files in progress
 * at once; all archives where they are kept.
 */
export function bytesNeeded(
  needs: readonly Need[],
  { jobs, keepArchives, extract, windowed }: RoomSettings & Partial<RoomPlan>,
): number {
  const archiveOf = ({ file, archiveThere }: Need) => {
    if (archiveThere) return 0;
    return windowed?.has(file) ? windowOf(file) : (file.bytes ?? 0);
  };
  if (!extract) return sum(needs.map(archiveOf));
  const extracted = sum(needs.map(({ file }) => expectedExtracted(file)));
  const archives = needs.filter(({ file }) => file.extracted).map(archiveOf);
  const beside = keepArchives ? archives : archives.sort((a, b) => b - a).slice(0, jobs);
  return extracted + sum(beside);
}

/** The least departure from what was asked for that fits; undefined when nothing does. */
export function planToFit(
  needs: readonly Need[],
  settings: RoomSettings,
  { free, windowed }: { free: number; windowed: boolean },
): RoomPlan | undefined {
  const possible = windowable(needs, settings);
  const counts = windowed ? [possible.length] : [0, ...possible.map((_, i) => i + 1)];
  for (const count of counts) {
    const plan = { windowed: new Set(possible.slice(0, count)) };
    for (const jobs of new Set([settings.jobs, 1])) {
      if (bytesNeeded(needs, { ...settings, ...plan, jobs }) <= free) return { ...plan, jobs };
    }
  }
  return undefined;
}

/** Files whose archive need not be on the disk as a whole, the largest first. */
function windowable(needs: readonly Need[], { keepArchives, extract }: RoomSettings): DatasetFile[] {
  if (keepArchives || !extract) return [];
  return needs
    .filter(({ file, archiveThere, begun }) => file.extracted && !archiveThere && !begun)
    .map(({ file }) => file)
    .filter((file) => windowOf(file) < (file.bytes ?? Number.POSITIVE_INFINITY))
    .sort((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0));
}

export interface RoomCheck extends RoomSettings {
  readonly folder: string;
  readonly needs: readonly Need[];
  /** Bytes of unfinished downloads, which are on the disk already. */
  readonly begun: number;
  /** Unpack archives as they arrive wherever that is possible. */
  readonly windowed: boolean;
}

export interface Room extends RoomPlan {
  /** Bytes of free disk that are needed. */
  readonly needed: number;
  /** Why the run does not do what was asked for. */
  readonly notice?: string;
}

/** @throws PcamError DISK_FULL, which names what would fit */
export async function findRoom(check: RoomCheck): Promise<Room> {
  const { folder, needs, begun, windowed, ...settings } = check;
  const free = await freeBytes(folder);
  const asked = roomAsked(check);
  const { needed } = asked;
  if (needed <= free) return asked;
  const plan = planToFit(needs, settings, { free: free + begun, windowed });
  if (plan)
    return { ...plan, needed: roomNeeded(check, plan), notice: noticeOf(check, { plan, needed, free }) };
  await requireRoom({
    folder,
    needed,
    advise(free) {
      const way = wayToFit(needs, settings, free + begun);
      return {
        hint: `nothing was fetched; ${way ? way.hint : 'make room, choose another folder, or fetch less'}`,
        options: way?.options ?? ['dir', 'splits', 'kinds'],
      };
    },
  });
  return asked;
}

/** What a run needs as it was asked for. */
export function roomAsked(check: RoomCheck): Room {
  const { needs, windowed, ...settings } = check;
  const plan = planToFit(needs, settings, { free: Number.POSITIVE_INFINITY, windowed })!;
  return { ...plan, needed: roomNeeded(check, plan) };
}

function roomNeeded({ needs, begun, windowed: _, ...settings }: RoomCheck, plan: RoomPlan): number {
  return bytesNeeded(needs, { ...settings, ...plan }) - begun;
}

function noticeOf(
  { folder, jobs }: RoomCheck,
  { plan, needed, free }: { plan: RoomPlan; needed: number; free: number },
): string {
  const names = [...plan.windowed].map(({ name }) => name).join(', ');
  const ways = [
    plan.jobs < jobs ? 'files are fetched one at a time' : [],
    names === ''
      ? []
      : `nothing is kept of an archive once it is unpacked, so that an interrupted download starts again (${names})`,
  ].flat();
  const room = `${folder} has ${formatBytes(free)} free, and a download normally needs ${formatBytes(needed)}`;
  return `${room}: ${ways.join(', and ')}`;
}

/** What makes the same files fit, by the least change; undefined when nothing would. */
export function wayToFit(
  needs: readonly Need[],
  settings: RoomSettings,
  free: number,
): { hint: string; options: string[] } | undefined {
  if (!settings.extract) return undefined;
  const unkept = { ...settings, keepArchives: false };
  const plan = settings.keepArchives ? planToFit(needs, unkept, { free, windowed: false }) : undefined;
  if (plan) {
    const bytes = formatBytes(bytesNeeded(needs, { ...unkept, ...plan }));
    const hint = `archives that are not kept would leave enough room: ${bytes} are needed then`;
    return { hint, options: ['keepArchives'] };
  }
  const extracted = sum(needs.map(({ file }) => expectedExtracted(file)));
  if (extracted > free) return undefined;
  // What was begun lies beside what comes out of it, unless they are on two disks.
  const hint =
    `the decompressed files alone need ${formatBytes(extracted)}, which would fit: fetch the archives into a folder ` +
    'on another disk without decompressing them, then take them over from there';
  return { hint, options: ['extract', 'from'] };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
