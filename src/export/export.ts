/** An export from end to end: what is verified, planned, written, named and listed. */
import { resolve } from 'node:path';
import pLimit from 'p-limit';
import { DEFAULTS, PcamError, throwIfAborted } from '../core/index.js';
import { requireNoLinks, requireRoom } from '../fs/index.js';
import { resolveManifest, type SplitName } from '../manifest/index.js';
import { resolveSelection } from '../selection/index.js';
import { Pool, runTogether } from '../threads/index.js';
import { openInput, requireApart } from '../verified/index.js';
import { sideOf } from './formats/index.js';
import { type Survey, surveyInput } from './input.js';
import {
  countPatches,
  type FileRecord,
  Journal,
  type LedgerHeader,
  nameShard,
  type OutputFolder,
  type ShardStatus,
  withOutputFolder,
} from './output/index.js';
import { SplitProgress } from './progress.js';
import { knownOf, type Settings, settle, tasksOf } from './settings.js';
import { planStaging, stage, stagedBytes } from './staging.js';
import type { ExportOptions, ExportResult, ResolvedOptions } from './types.js';
import { type ShardJob, shardJob } from './workers/index.js';

/** So many patches are exported in the time that a thread takes to start. */
const SMALL = 1024;

/**
 * Exports splits of a verified data set. Shards that are there and right are kept; a shard gets its name when it is
 * whole; the bytes depend on input and options alone.
 * @throws PcamError USAGE; MISSING, NOT_VERIFIED, BAD_HDF5, BAD_CSV, BAD_DATA of the input; OUTPUT_MISMATCH;
 *   DISK_FULL, NO_PERMISSION, LOCKED, IO; ABORTED
 */
export async function exportDataset(given: ExportOptions): Promise<ExportResult> {
  const options: ResolvedOptions = {
    ...given,
    dir: given.dir ?? DEFAULTS.dir,
    manifest: await resolveManifest(given.manifest),
  };
  const settings = settle(options);
  const { dir, manifest, signal } = options;
  const out = resolve(settings.out);
  await requireApart(out, dir);
  const input = await openInput({ ...options, required: ['labels'] });
  const selection = await resolveSelection(options.selection ?? {}, input.splits);
  const { workers, recipe, part } = settings;
  const { header, facts } = await surveyInput({ options, settings, input, selection });
  throwIfAborted(signal);
  return await withOutputFolder({ out, part, signal }, async (folder) => {
    const known = await readOrClear({ folder, header, options });
    const jobs = planJobs({ settings, header, facts, known, temporary: folder.workspace.folder });
    await requireNoLinks(
      out,
      jobs.flatMap(({ task }) => task.files.map(({ file }) => file)),
    );
    const plans = await planStaging({ dir, manifest, jobs, sha1: recipe.sha1 ?? false });
    await requireRoom({
      folder: out,
      needed: (blockSize) => estimateBytes(jobs, settings, blockSize) + stagedBytes(plans),
      estimated: true,
      advise: () => ({
        hint: 'nothing was written; make room, choose another folder, or export less',
        options: ['out', 'splits', 'crop'],
      }),
    });
    const several = given.workers !== undefined && workers > 1;
    const pool = new Pool(several || patchesOf(jobs) > SMALL ? workers : 0);
    const staged = await stage({
      plans,
      dir,
      manifest,
      jobs,
      workspace: folder.workspace,
      onEvent: options.onEvent,
    });
    const unchanged = input.requireUnchanged;
    const statuses = await writeShards({ options, folder, header, jobs: staged, pool, unchanged });
    await unchanged();
    const records = new Map([...statuses.keys()].map((record) => [record.file, record]));
    await folder.finish({ ...header, records }, settings.format);
    return toResult({ settings, splits: input.splits, statuses });
  });
}

async function readOrClear({
  folder,
  header,
  options: { force = false, part },
}: {
  folder: OutputFolder;
  header: LedgerHeader;
  options: ResolvedOptions;
}): Promise<ReadonlyMap<string, FileRecord>> {
  try {
    return (await folder.read(header)).records;
  } catch (error) {
    if (!force || !(error instanceof PcamError) || error.code !== 'OUTPUT_MISMATCH') throw error;
    if (part) {
      // The others' shards may be there already, and look just like those to be removed.
      throw new PcamError('OUTPUT_MISMATCH', error.message, {
        hint: 'one part of several does not replace an export, as another part may be writing here: empty the folder first, or choose another one',
        options: ['out'],
      });
    }
    await folder.clear();
    return new Map();
  }
}

/** The shards of this job in the order of the splits, which workers need to open one split at a time. */
function planJobs({
  settings: { format, part },
  header,
  facts,
  known,
  temporary,
}: {
  settings: Settings;
  header: LedgerHeader;
  facts: Survey['facts'];
  known: ReadonlyMap<string, FileRecord>;
  temporary: string;
}): ShardJob[] {
  const { recipe } = header;
  const tasks = header.splits.flatMap((split) => format.plan({ split, recipe }));
  return tasksOf(tasks, part).map((task) => ({
    task,
    known: knownOf(task, known),
    facts: facts.get(task.split)!,
    temporary,
  }));
}

function patchesOf(jobs: readonly ShardJob[]): number {
  return jobs.reduce((sum, { task }) => sum + task.end - task.start, 0);
}

function estimateBytes(jobs: readonly ShardJob[], { format, recipe }: Settings, blockSize: number): number {
  const missing = jobs.filter(({ known }) => !known);
  return patchesOf(missing) * format.bytesPerPatch({ side: sideOf(recipe.crop), blockSize });
}

interface ShardsRequest {
  options: ResolvedOptions;
  folder: OutputFolder;
  header: LedgerHeader;
  jobs: readonly ShardJob[];
  pool: Pool;
  /** Throws when something has touched the input since it was verified. */
  unchanged: () => Promise<void>;
}

/** Lets the workers write or check every shard; each one gets its name as soon as it is whole. */
async function writeShards(request: ShardsRequest): Promise<Map<FileRecord, ShardStatus>> {
  const { options, folder, header, jobs, pool, unchanged } = request;
  const { dir, manifest, onEvent } = options;
  const { path: out, workspace } = folder;
  const { recipe } = header;
  const statuses = new Map<FileRecord, ShardStatus>();
  const progress = new SplitProgress(jobs, onEvent);
  const known = jobs.flatMap((job) => job.known ?? []);
  const journal = await Journal.create({ path: folder.journal, header, known, workspace });
  try {
    const inTurn = pLimit(1);
    await runTogether(workspace.signal, (signal) =>
      jobs.map(async (job) => {
        const onProgress = (patches: number) => progress.add(job.task.split, patches);
        const input = { dir, manifest, out, recipe, ...job };
        const result = await pool.run(shardJob, input, { signal, onProgress });
        await inTurn(async () => {
          throwIfAborted(signal);
          if (result.status === 'written') {
            // A later run takes what has a name, so nothing may have one that was read from anything else.
            await unchanged();
            await nameShard(folder, journal, { ...result, from: result.folder });
          }
          for (const record of result.records) {
            statuses.set(record, result.status);
            onEvent?.({ type: 'output', file: record.file, status: result.status, bytes: record.bytes });
          }
        });
      }),
    );
  } finally {
    progress.end();
    await journal.close();
  }
  return statuses;
}

function toResult({
  settings,
  splits,
  statuses,
}: {
  settings: Settings;
  splits: readonly SplitName[];
  statuses: ReadonlyMap<FileRecord, ShardStatus>;
}): ExportResult {
  const order = [...statuses].filter(([{ side }]) => !side);
  order.sort(
    ([a], [b]) =>
      splits.indexOf(a.split) - splits.indexOf(b.split) || a.start - b.start || (a.file < b.file ? -1 : 1),
  );
  return {
    ok: true,
    format: settings.recipe.format,
    out: settings.out,
    patches: countPatches(order.map(([record]) => record)),
    contentBytes: bytesOf([...statuses.keys()]),
    shards: order.map(([{ file, split, patches, bytes, sha256 }, status]) => ({
      file,
      split,
      patches,
      bytes,
      sha256,
      status,
    })),
  };
}

function bytesOf(records: readonly FileRecord[]): number {
  return records.reduce((sum, { bytes, contents }) => sum + (contents?.bytes ?? bytes), 0);
}
