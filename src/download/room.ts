/** Whether there is room on the disk for what a run is to fetch, and how to make do with less. */
import { formatBytes, PcamError } from '../core/index.js';
import { freeBytes, maxFileBytes, requireRoom } from '../fs/index.js';
import type { DatasetFile } from '../manifest/index.js';
import { CHUNK_BYTES, statPartials } from '../store/index.js';
import type { Settings } from './context.js';
import { type Action, needsRoom } from './survey.js';
import { expectedExtracted } from './target.js';

/** Bytes per file for a receipt and the directories that pcam makes, and per chunk for a line of the journal. */
const STATE_BYTES = 16 * 1024;
const JOURNAL_LINE_BYTES = 32;

export interface Need {
  readonly file: DatasetFile;
  /** The archive is on this machine, and not to be written. */
  readonly archiveThere: boolean;
  /** Bytes that are free once the file is finished: of a partial download, of an archive that is not kept. */
  readonly freed: number;
  /** Bytes of a partial download. */
  readonly partialBytes: number;
  /** There is a partial download, or another tool's. */
  readonly begun: boolean;
}

export interface RoomSettings {
  readonly jobs: number;
  readonly keepArchives: boolean;
  readonly extract: boolean;
}

/** How a run goes about its files, for want of room or because it was asked to. */
export interface RoomPlan {
  readonly order: readonly DatasetFile[];
  readonly jobs: number;
  /** Files whose archive is never on the disk: they cannot be resumed. */
  readonly streamed: ReadonlySet<DatasetFile>;
  /** Bytes of free disk that are needed. */
  readonly needed: number;
  /** Why the run does not do what was asked for. */
  readonly notice?: string;
}

/** What is still to be written for each file, and what is there of it. */
export async function needsOf(
  { paths, force, keepArchives }: Settings,
  actions: ReadonlyMap<DatasetFile, Action>,
): Promise<Need[]> {
  const needs: Need[] = [];
  for (const [file, action] of actions) {
    if (!needsRoom(action)) continue;
    const { bytes: partialBytes, begun } = await statPartials(paths.partial, file);
    const archive = action.kind === 'import' && action.own && !keepArchives ? action.bytes : 0;
    needs.push({
      file,
      // Of an archive that lies elsewhere, a copy is kept.
      archiveThere: action.kind === 'import' && (action.own || !keepArchives),
      freed: partialBytes + archive,
      partialBytes: force ? 0 : partialBytes,
      begun: !force && (begun || action.kind === 'adopt'),
    });
  }
  return needs;
}

/**
 * Free bytes that a run needs at its fullest. One file at a time: what is finished, and the archive and the decompressed
 * file in progress. Several: everything decompressed, and the largest archives that can be in progress at once.
 */
export function bytesNeeded(
  needs: readonly Need[],
  { jobs, keepArchives, extract, streamed }: RoomSettings & { streamed?: ReadonlySet<DatasetFile> },
): number {
  const archiveOf = ({ file, archiveThere, partialBytes }: Need) => {
    if (archiveThere || streamed?.has(file) || !(file.extracted || !extract)) return 0;
    return Math.max(0, withJournal(file.bytes ?? 0) - partialBytes);
  };
  const finalOf = ({ file, partialBytes }: Need) => {
    if (!extract) return 0;
    const bytes = expectedExtracted(file);
    return file.extracted ? bytes : Math.max(0, withJournal(bytes) - partialBytes);
  };
  const state = needs.length * STATE_BYTES;
  if (!extract || keepArchives) return state + sum(needs.map((need) => archiveOf(need) + finalOf(need)));
  if (jobs > 1) {
    const archives = needs.map(archiveOf).sort((a, b) => b - a);
    return state + sum(needs.map(finalOf)) + sum(archives.slice(0, jobs));
  }
  let used = 0;
  let peak = 0;
  for (const need of needs) {
    peak = Math.max(peak, used + archiveOf(need) + finalOf(need));
    used += finalOf(need) - (need.file.extracted ? need.freed : 0);
  }
  return state + peak;
}

function withJournal(bytes: number): number {
  return bytes + Math.ceil(bytes / CHUNK_BYTES) * JOURNAL_LINE_BYTES;
}

/** Labels and metadata first: they are small, and wait for nothing. Then the largest images, which need the most room beside them. */
export function inOrder<T extends { readonly file: DatasetFile }>(needs: readonly T[]): T[] {
  const rank = ({ file }: T) => (file.kind === 'images' ? 1 : 0);
  return [...needs].sort(
    (a, b) => rank(a) - rank(b) || (rank(a) === 1 ? (b.file.bytes ?? 0) - (a.file.bytes ?? 0) : 0),
  );
}

/** The least departure from what was asked for that fits; undefined when nothing does. */
export function planToFit(
  needs: readonly Need[],
  settings: RoomSettings,
  { free, stream }: { free: number; stream: boolean },
): { jobs: number; streamed: ReadonlySet<DatasetFile> } | undefined {
  const possible = streamable(needs, settings);
  const counts = stream ? [possible.length] : [0, ...possible.map((_, i) => i + 1)];
  for (const count of counts) {
    const streamed = new Set(possible.slice(0, count));
    for (const jobs of new Set([settings.jobs, 1]))
      if (bytesNeeded(needs, { ...settings, streamed, jobs }) <= free) return { streamed, jobs };
  }
  return undefined;
}

/** Files whose archive need not be on the disk, the largest first. */
function streamable(needs: readonly Need[], { keepArchives, extract }: RoomSettings): DatasetFile[] {
  if (keepArchives || !extract) return [];
  return needs
    .filter(({ file, archiveThere, begun }) => file.extracted && !archiveThere && !begun)
    .map(({ file }) => file)
    .sort((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0));
}

/** @throws PcamError DISK_FULL, which names what would fit */
export async function findRoom(settings: Settings, unordered: readonly Need[]): Promise<RoomPlan> {
  const { paths, files, stream, jobs } = settings;
  const needs = inOrder(unordered);
  const order = inOrder(files.map((file) => ({ file }))).map(({ file }) => file);
  await requireFileSizes(settings, needs);
  const free = await freeBytes(paths.dir);
  const asked = planToFit(needs, settings, { free: Number.POSITIVE_INFINITY, stream })!;
  const needed = bytesNeeded(needs, { ...settings, ...asked });
  if (needed <= free) return { ...asked, order, needed };
  const plan = planToFit(needs, settings, { free, stream });
  if (plan) {
    const notice = noticeOf(paths.dir, { plan, needed, free, fewer: plan.jobs < jobs });
    return { ...plan, order, needed: bytesNeeded(needs, { ...settings, ...plan }), notice };
  }
  await requireRoom({
    folder: paths.dir,
    needed,
    advise(free) {
      const way = wayToFit(needs, settings, free);
      return {
        hint: `nothing was fetched; ${way ? way.hint : 'make room, choose another folder, or fetch less'}`,
        options: way?.options ?? ['dir', 'splits', 'kinds'],
      };
    },
  });
  return { ...asked, order, needed };
}

/** A limit on the size of one file (FAT, `ulimit -f`) is known before the first byte. */
async function requireFileSizes(
  { paths, extract, keepArchives }: Settings,
  needs: readonly Need[],
): Promise<void> {
  const limit = await maxFileBytes(paths.dir);
  for (const { file } of needs) {
    const sizes: [string, number][] = [];
    if (!extract || keepArchives || !file.extracted) sizes.push([file.name, file.bytes ?? 0]);
    if (extract && file.extracted) sizes.push([file.extracted.name, expectedExtracted(file)]);
    for (const [name, bytes] of sizes) {
      if (bytes <= limit.bytes) continue;
      throw new PcamError(
        'DISK_FULL',
        `${name} has ${formatBytes(bytes)}, and a file in ${paths.dir} can have ${formatBytes(limit.bytes)} at most: ${limit.reason}`,
        {
          expected: `${bytes} bytes`,
          found: `${limit.bytes} bytes`,
          hint: `nothing was fetched; ${limit.hint}`,
          options: ['dir', 'splits', 'kinds'],
        },
      );
    }
  }
}

function noticeOf(
  folder: string,
  {
    plan: { streamed },
    needed,
    free,
    fewer,
  }: { plan: Pick<RoomPlan, 'streamed'>; needed: number; free: number; fewer: boolean },
): string {
  const names = [...streamed].map(({ name }) => name).join(', ');
  const kept = `nothing is kept of an archive once it is decompressed, so that an interrupted download starts again (${names})`;
  const ways = [...(fewer ? ['files are fetched one at a time'] : []), ...(names === '' ? [] : [kept])];
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
  const plan = settings.keepArchives ? planToFit(needs, unkept, { free, stream: false }) : undefined;
  if (plan) {
    const bytes = formatBytes(bytesNeeded(needs, { ...unkept, ...plan }));
    const hint = `archives that are not kept would leave enough room: ${bytes} are needed then`;
    return { hint, options: ['keepArchives'] };
  }
  const extracted = sum(needs.map(({ file }) => expectedExtracted(file)));
  if (extracted > free) return undefined;
  // The partial download lies beside the decompressed file, unless they are on two disks.
  const hint =
    `the decompressed files alone need ${formatBytes(extracted)}, which would fit: fetch the archives into a folder ` +
    'on another disk without decompressing them, then take them over from there';
  return { hint, options: ['extract', 'from'] };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
