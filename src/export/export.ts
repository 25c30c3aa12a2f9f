/** An export from end to end: what is verified, planned, written, named and listed. */
import { resolve } from 'node:path';
import pLimit from 'p-limit';
import { throwIfAborted } from '../core/index.js';
import { requireNoLinks, requireRoom } from '../fs/index.js';
import { SPLITS } from '../manifest/index.js';
import { affordableWorkers, Pool, runTogether } from '../threads/index.js';
import { requireApart } from '../verified/index.js';
import { type FormatName, type LayoutName, sideOf } from './formats/index.js';
import { type ExportInput, exportedLabels, openExportInput, readInput } from './input.js';
import { type ExportOptions, resolveOptions, resolveOut, type Settings } from './options.js';
import {
  countPatches,
  type FileRecord,
  type OutputFolder,
  type Part,
  withOutputFolder,
} from './output/index.js';
import { SplitProgress } from './progress.js';
import { planStaging, stage, stagedBytes } from './staging.js';
import { type ShardJob, type ShardStatus, shardJob } from './workers/index.js';

/** As many patches are exported in the time that a thread takes to start. */
const MIN_PATCHES_FOR_THREADS = 1024;

export interface ExportResult {
  ok: true;
  format: FormatName;
  layout: LayoutName;
  /** The output folder, as it was asked for. */
  out: string;
  /** Patches of this run's shards. */
  patches: number;
  /** Bytes of what was written: of a folder of images, those of the images, not of the lists. */
  contentBytes: number;
  /** This run's shards; with `part`, the other jobs' are not among them. */
  shards: (Pick<FileRecord, 'file' | 'split' | 'patches' | 'bytes' | 'sha256'> & { status: ShardStatus })[];
}

/**
 * Exports splits of a verified data set. Shards that are there and right are kept; a shard gets its name when it is
 * whole; the bytes depend on input and options alone.
 * @throws PcamError USAGE; MISSING, NOT_VERIFIED, BAD_HDF5, BAD_CSV, BAD_DATA of the input; OUTPUT_MISMATCH;
 *   DISK_FULL, NO_PERMISSION, LOCKED, IO; ABORTED
 */
export async function exportDataset(options: ExportOptions): Promise<ExportResult> {
  const { part, force = false, signal } = options;
  const settings = await resolveOptions(options);
  const opened = await openExportInput(settings, options);
  const shownOut = resolveOut(options.out, opened.recipe);
  const out = resolve(shownOut);
  await requireApart(out, settings.dir);
  const input = await readInput(settings, opened, options);
  return await withOutputFolder({ out, key: input.key, part, signal }, async (folder) => {
    const known = await folder.open(input.header, { force });
    const jobs = planJobs({ settings, out, input, part, known, temporary: folder.run.folder });
    const files = jobs.flatMap(({ task }) => task.files.map(({ file }) => file));
    await requireNoLinks(out, files);
    const staging = await planStaging(settings, jobs);
    await requireRoom({
      folder: out,
      needed: (blockSize) => estimateBytes(jobs, settings, blockSize) + stagedBytes(staging),
      estimated: true,
      advise: () => ({
        hint: 'nothing was written; make room, choose another folder, or export less',
        options: ['out', 'splits', 'crop'],
      }),
    });
    const staged = await stage({ settings, staging, jobs, folder, onEvent: options.onEvent });
    const { requireUnchanged } = opened.input;
    const shards = await writeShards({ options, settings, input, requireUnchanged, folder, jobs: staged });
    await requireUnchanged();
    await folder.finish(input.header, (split) => exportedLabels(input.facts.get(split)!));
    return toResult(settings, shownOut, shards);
  });
}

/** The shards of this part, every `of`-th, so that all parts have about as much to do. */
function planJobs({
  settings: { dir, manifest, format },
  out,
  input: { header, facts },
  part = { index: 1, of: 1 },
  known,
  temporary,
}: {
  settings: Settings;
  out: string;
  input: ExportInput;
  part: Part | undefined;
  known: ReadonlyMap<string, FileRecord>;
  temporary: string;
}): ShardJob[] {
  const { recipe } = header;
  const tasks = header.splits.flatMap((split) => format.plan({ split, recipe }));
  return tasks
    .filter((_, i) => i % part.of === part.index - 1)
    .map((task) => {
      const records = task.files.flatMap(({ file }) => known.get(file) ?? []);
      return {
        ...{ dir, manifest, out, recipe, task, temporary },
        known: records.length === task.files.length ? records : undefined,
        facts: facts.get(task.split)!,
      };
    });
}

function countTaskPatches(jobs: readonly ShardJob[]): number {
  return jobs.reduce((sum, { task }) => sum + task.end - task.start, 0);
}

function estimateBytes(jobs: readonly ShardJob[], { format, recipe }: Settings, blockSize: number): number {
  const side = sideOf(recipe.crop);
  return jobs
    .filter(({ known }) => !known)
    .map((job) => countTaskPatches([job]) * format.bytesPerPatch({ split: job.task.split, side, blockSize }))
    .reduce((sum, bytes) => sum + bytes, 0);
}

interface FinishedRecord {
  readonly record: FileRecord;
  readonly status: ShardStatus;
}

/** Lets the workers write or check every shard; each one gets its name as soon as it is whole. */
async function writeShards({
  options: { workers: asked = 0, onEvent },
  settings: { workers },
  input: { header },
  requireUnchanged,
  folder,
  jobs,
}: {
  options: ExportOptions;
  settings: Settings;
  input: ExportInput;
  /** Throws when something has touched the input since it was opened. */
  requireUnchanged: () => Promise<void>;
  folder: OutputFolder;
  jobs: readonly ShardJob[];
}): Promise<FinishedRecord[]> {
  const isSmall = asked <= 1 && countTaskPatches(jobs) <= MIN_PATCHES_FOR_THREADS;
  const pool = new Pool(isSmall ? 0 : affordableWorkers(workers, onEvent));
  const progress = new SplitProgress(jobs, onEvent);
  const inTurn = pLimit(1);
  try {
    const finished = await runTogether(folder.run.signal, (signal) =>
      jobs.map(async (job) => {
        const onProgress = (patches: number) => progress.add(job.task.split, patches);
        const { status, records, temporaries } = await pool.run(shardJob, job, { signal, onProgress });
        return await inTurn(async () => {
          throwIfAborted(signal);
          if (status === 'written') {
            // A later run believes a record, so none may be of a shard that was read from anything else.
            await requireUnchanged();
            await folder.commit(header, { task: job.task, records, temporaries });
          }
          return records.map((record) => {
            onEvent?.({ type: 'output', file: record.file, status, bytes: record.bytes });
            return { record, status };
          });
        });
      }),
    );
    return finished.flat();
  } finally {
    progress.end();
  }
}

function toResult({ recipe }: Settings, out: string, finished: readonly FinishedRecord[]): ExportResult {
  const shards = finished.filter(({ record }) => !record.side);
  shards.sort(
    ({ record: a }, { record: b }) =>
      SPLITS.indexOf(a.split) - SPLITS.indexOf(b.split) || a.start - b.start || (a.file < b.file ? -1 : 1),
  );
  return {
    ok: true,
    format: recipe.format,
    layout: recipe.layout,
    out,
    patches: countPatches(shards.map(({ record }) => record)),
    contentBytes: finished.reduce((sum, { record }) => sum + (record.contents?.bytes ?? record.bytes), 0),
    shards: shards.map(({ record: { file, split, patches, bytes, sha256 }, status }) => ({
      ...{ file, split, patches, bytes, sha256, status },
    })),
  };
}
