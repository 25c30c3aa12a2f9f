/** The scan of a split: all patches read once, on all cores, or the cache of an earlier scan. */
import { join } from 'node:path';
import { defaultWorkers, type OnEvent, PcamError, TaskReporter } from '../core/index.js';
import { arrayOf, countPatches } from '../dataset/index.js';
import { statFile } from '../fs/index.js';
import { holds, Inventory } from '../inventory/index.js';
import { contentsOf, type DatasetFile, type Manifest, type SplitName } from '../manifest/index.js';
import { layout, Receipts } from '../store/index.js';
import { affordableWorkers, Pool, runTogether } from '../threads/index.js';
import { readScan, writeScan } from './cache.js';
import { tableBytes } from './digest-table.js';
import { type ScanTask, scanJob } from './scan-job.js';
import { makeColumns, type Scan, sumOf } from './types.js';

/** Starting a thread takes as long as reading so many patches. */
const WORTH_A_THREAD = 1024;

export interface SplitScanRequest {
  /** The data set folder. */
  dir: string;
  manifest: Manifest;
  split: SplitName;
  /** Threads. @default the machine's cores */
  workers?: number;
  signal?: AbortSignal;
  onEvent?: OnEvent;
}

export interface SplitScan extends Scan {
  /** MD5 of the images that were read, and whether the manifest has it. */
  readonly md5: string;
  readonly verified: boolean;
}

/**
 * Digests, measures and histograms of all patches of a split. A second call on the same images reads none of them.
 * @throws PcamError MISSING, BAD_HDF5, NO_PERMISSION, IO; NOT_VERIFIED when the images change meanwhile; ABORTED
 */
export async function scanSplit(request: SplitScanRequest): Promise<SplitScan> {
  const { dir, manifest, split, signal = new AbortController().signal, onEvent } = request;
  const images = arrayOf({ dir, manifest, split, kind: 'images' });
  const count = await countPatches({ dir, manifest, split });
  const entry = manifest.files.find((one) => one.split === split && one.kind === 'images')!;
  const before = await statFile(images.file);
  const receipts = new Receipts(layout(dir));
  const known = before && (await receipts.find(contentsOf(entry).final.name, before, 'inode'));
  const cached = known?.md5 ? await readScan({ dir, split, md5: known.md5, count }) : undefined;
  const workers = request.workers ?? defaultWorkers();
  // Where the images have to be digested as well, they are read for both at the same time.
  const [scan, { md5, verified }] = await runTogether(signal, (signal) => [
    cached
      ? Promise.resolve(cached)
      : scanWithProgress({ ...images, split, count, workers, signal, onEvent }),
    digestOf(entry, { dir, manifest, receipts, signal, onEvent }),
  ]);
  if (identityOf(await statFile(images.file)) !== identityOf(before)) throw changed(images.file, split);
  if (!cached) await writeScan({ dir, split, md5, count }, scan);
  return { ...scan, md5, verified };
}

async function digestOf(
  entry: DatasetFile,
  where: ConstructorParameters<typeof Inventory>[0],
): Promise<{ md5: string; verified: boolean }> {
  const { final: content } = contentsOf(entry);
  const found = await new Inventory(where).read(content);
  if (!found?.digests.md5) throw changed(join(where.dir, content.name), entry.split);
  return { md5: found.digests.md5, verified: holds(found, content) };
}

async function scanWithProgress({
  split,
  onEvent,
  ...request
}: ScanRequest & { split: SplitName; onEvent: OnEvent | undefined }): Promise<Scan> {
  const workers = affordableWorkers(request.workers, onEvent);
  const state = { task: split, step: 'scan', unit: 'patches', done: 0, total: request.count } as const;
  const task = new TaskReporter(state, onEvent);
  try {
    const scan = await scanImages({ ...request, workers, onProgress: (done) => task.progress({ done }) });
    task.end();
    return scan;
  } catch (error) {
    task.end({ outcome: 'failed' });
    throw error;
  }
}

export interface ScanRequest {
  /** The HDF5 file, the path of the array in it, and the shape that the manifest gives. */
  file: string;
  path: string;
  shape?: readonly number[];
  /** Number of patches in it. */
  count: number;
  /** Most threads. */
  workers: number;
  signal: AbortSignal;
  onProgress?: (patches: number) => void;
}

/**
 * Some 45 bytes per patch are held, and 10 MB per thread.
 * @throws PcamError BAD_HDF5, MISSING, NO_PERMISSION, IO; ABORTED
 */
export async function scanImages(request: ScanRequest): Promise<Scan> {
  const { file, path, shape, count, workers, signal, onProgress } = request;
  const columns = makeColumns(count, (bytes) => new SharedArrayBuffer(bytes));
  const task: ScanTask = {
    ...{ file, path, shape, count, columns },
    table: new SharedArrayBuffer(tableBytes(count)),
    next: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
  };
  let done = 0;
  const onPatches = (patches: number) => {
    done += patches;
    onProgress?.(done);
  };
  const threads = count <= WORTH_A_THREAD ? 0 : Math.min(workers, Math.ceil(count / WORTH_A_THREAD));
  const pool = new Pool(threads);
  const parts = await runTogether(signal, (signal) =>
    Array.from({ length: Math.max(1, threads) }, () =>
      pool.run(scanJob, task, { signal, onProgress: onPatches }),
    ),
  );
  const all = sumOf(parts.map((part) => part.all));
  const unique = sumOf(parts.map((part) => part.unique));
  return { count, ...columns, histograms: { all, unique } };
}

type Stats = Awaited<ReturnType<typeof statFile>>;

/** Changes whenever something writes to the file or replaces it. */
function identityOf(stats: Stats): string {
  return stats ? `${stats.size} ${stats.mtimeNs} ${stats.ctimeNs} ${stats.ino}` : 'gone';
}

function changed(file: string, split: SplitName): PcamError {
  return new PcamError('NOT_VERIFIED', `${file} changed while its patches were read`, {
    hint: 'find out what writes to it, check the files, then start again',
    next: { command: 'verify', splits: [split] },
  });
}
