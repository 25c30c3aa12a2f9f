/** The scan of a split, from the cache where its images have been read before. */
import { join } from 'node:path';
import { defaultWorkers, type OnEvent, PcamError, TaskReporter } from '../core/index.js';
import { arrayOf, countPatches } from '../dataset/index.js';
import { statFile } from '../fs/index.js';
import { holds, Inventory } from '../inventory/index.js';
import { contentsOf, type DatasetFile, type Manifest, type SplitName } from '../manifest/index.js';
import { layout, Receipts } from '../store/index.js';
import { readScan, writeScan } from './cache.js';
import { scanImages } from './scan.js';
import type { Scan } from './types.js';

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
 * Digests, histograms and colours of all patches of a split. A second call on the same images reads none of them.
 * @throws PcamError MISSING, BAD_HDF5, NO_PERMISSION, IO; NOT_VERIFIED when the images change meanwhile; ABORTED
 */
export async function scanSplit(request: SplitScanRequest): Promise<SplitScan> {
  const { dir, manifest, split, onEvent } = request;
  const { file, path, shape } = arrayOf({ dir, manifest, split, kind: 'images' });
  const count = await countPatches({ dir, manifest, split });
  const entry = manifest.files.find((one) => one.split === split && one.kind === 'images')!;
  const before = await identity(file);
  const receipts = new Receipts(layout(dir));
  const stop = new AbortController();
  const signal = request.signal ? AbortSignal.any([request.signal, stop.signal]) : stop.signal;
  // Started together: where the images have to be digested first, they are read for both at the same time.
  const digest = digestOf({ dir, manifest, entry, receipts, signal, onEvent });
  digest.catch(() => {});
  try {
    const known = await receiptOf({ dir, entry, receipts });
    const cached = known ? await readScan({ dir, split, md5: known, count }) : undefined;
    const workers = request.workers ?? defaultWorkers();
    const scan =
      cached ?? (await scanWithProgress({ split, onEvent }, { file, path, shape, count, workers, signal }));
    const { md5, verified } = await digest;
    if ((await identity(file)) !== before) throw changed(file, split);
    if (!cached) await writeScan({ dir, split, md5, count }, scan);
    return { ...scan, md5, verified };
  } catch (error) {
    stop.abort();
    await digest.catch(() => {});
    throw error;
  }
}

async function scanWithProgress(
  { split, onEvent }: { split: SplitName; onEvent: OnEvent | undefined },
  request: Parameters<typeof scanImages>[0],
): Promise<Scan> {
  const task = new TaskReporter(
    { task: split, step: 'scan', unit: 'patches', done: 0, total: request.count },
    onEvent,
  );
  try {
    const scan = await scanImages({ ...request, onProgress: (done) => task.progress({ done }) });
    task.end();
    return scan;
  } catch (error) {
    task.end({ outcome: 'failed' });
    throw error;
  }
}

interface SplitDigestRequest {
  dir: string;
  manifest: Manifest;
  entry: DatasetFile;
  receipts: Receipts;
  signal: AbortSignal;
  onEvent: OnEvent | undefined;
}

async function digestOf(request: SplitDigestRequest): Promise<{ md5: string; verified: boolean }> {
  const { entry, ...where } = request;
  const { final: content } = contentsOf(entry);
  const found = await new Inventory(where).read(content);
  if (!found?.digests.md5) throw changed(join(where.dir, content.name), entry.split);
  return { md5: found.digests.md5, verified: holds(found, content) };
}

/** The MD5 that the images had when they were last read, if nothing says that they changed since. */
async function receiptOf({ dir, entry, receipts }: Pick<SplitDigestRequest, 'dir' | 'entry' | 'receipts'>) {
  const { name } = contentsOf(entry).final;
  const stats = await statFile(join(dir, name));
  return stats && (await receipts.find(name, stats, 'inode'))?.md5;
}

async function identity(file: string): Promise<string> {
  const stats = await statFile(file);
  return stats ? `${stats.size} ${stats.mtimeNs} ${stats.ctimeNs} ${stats.ino}` : 'gone';
}

function changed(file: string, split: SplitName): PcamError {
  return new PcamError('NOT_VERIFIED', `${file} changed while its patches were read`, {
    hint: 'find out what writes to it, check the files, then start again',
    next: { command: 'verify', splits: [split] },
  });
}
