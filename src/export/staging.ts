/**
 * Patches that are wanted in another order than they are stored in, where patches share chunks: to read a single one,
 * HDF5 unpacks a chunk of hundreds. They are copied into their order first, in one pass over the images.
 */
import { closeSync, openSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { fsError, type OnEvent, PATCH_BYTES, TaskReporter, throwIfAborted } from '../core/index.js';
import { arrayOf, type ImageReader, openImages } from '../dataset/index.js';
import { writeAllSync } from '../fs/index.js';
import type { SplitName } from '../manifest/index.js';
import type { Settings } from './options.js';
import type { OutputFolder } from './output/index.js';
import type { ShardJob } from './workers/index.js';

/** What is to be copied of one split. */
interface SplitStaging {
  readonly split: SplitName;
  /** Place in the order of the export by index in the split; -1 for what is not wanted. Shape (patches of the split). */
  readonly places: Int32Array;
  readonly patches: number;
  /** Every patch of the order is copied, not only those of some shards. */
  readonly whole: boolean;
}

/** The splits whose patches have to be copied. */
export async function planStaging(
  { dir, manifest, recipe }: Settings,
  jobs: readonly ShardJob[],
): Promise<SplitStaging[]> {
  const plans: SplitStaging[] = [];
  for (const split of new Set(jobs.map(({ task }) => task.split))) {
    const missing = jobs.filter(({ task, known }) => task.split === split && !known);
    const order = missing[0]?.facts.order;
    if (!order || isAscending(order)) continue;
    const images = await openImages(arrayOf({ dir, manifest, split, kind: 'images' }));
    images.close();
    if (!images.sharesChunks) continue;
    const places = new Int32Array(images.count).fill(-1);
    // The SHA-1 column of a table takes all patches of the split, and a table has no patches of its own.
    const whole = recipe.sha1 === true && missing.some(({ task }) => task.start === task.end);
    const ranges = whole ? [{ start: 0, end: order.length }] : missing.map(({ task }) => task);
    let patches = 0;
    for (const { start, end } of ranges) {
      for (let place = start; place < end; place++) places[order[place]!] = place;
      patches += end - start;
    }
    plans.push({ split, places, patches, whole });
  }
  return plans;
}

/** Bytes on the disk while the export is in progress. */
export function stagedBytes(plans: readonly SplitStaging[]): number {
  return plans.reduce((sum, { patches }) => sum + patches * PATCH_BYTES, 0);
}

/**
 * Copies the patches into temporary files of this run.
 * @returns the jobs, which know where to read
 */
export async function stage({
  settings: { dir, manifest },
  staging,
  jobs,
  folder: { run },
  onEvent,
}: {
  settings: Settings;
  staging: readonly SplitStaging[];
  jobs: readonly ShardJob[];
  folder: OutputFolder;
  onEvent: OnEvent | undefined;
}): Promise<ShardJob[]> {
  const staged = new Map<SplitName, ShardJob['staged']>();
  for (const plan of staging) {
    const { split, whole } = plan;
    const path = run.path(`${split}.patches`);
    const images = await openImages(arrayOf({ dir, manifest, split, kind: 'images' }));
    try {
      await copy({ images, plan, path, signal: run.signal, onEvent });
    } finally {
      images.close();
    }
    staged.set(split, { path, whole });
  }
  return jobs.map((job) => (job.known ? job : { ...job, staged: staged.get(job.task.split) }));
}

interface CopyRequest {
  images: ImageReader;
  plan: SplitStaging;
  path: string;
  signal: AbortSignal;
  onEvent: OnEvent | undefined;
}

async function copy({ images, plan: { split, places }, path, signal, onEvent }: CopyRequest): Promise<void> {
  const { count, batch } = images;
  const task = new TaskReporter(
    { task: `${split} in order`, step: 'scan', unit: 'patches', done: 0, total: count },
    onEvent,
  );
  const pixels = new Uint8Array(batch * PATCH_BYTES);
  let fd: number | undefined;
  let done = 0;
  try {
    fd = openSync(path, 'wx');
    for (; done < count; done = Math.min(count, done + batch)) {
      throwIfAborted(signal);
      const end = Math.min(count, done + batch);
      if (places.subarray(done, end).some((place) => place >= 0)) {
        images.read(done, end, pixels.subarray(0, (end - done) * PATCH_BYTES));
        for (let index = done; index < end; index++) {
          if (places[index]! < 0) continue;
          const from = (index - done) * PATCH_BYTES;
          writeAllSync(fd, pixels.subarray(from, from + PATCH_BYTES), places[index]! * PATCH_BYTES);
        }
      }
      task.progress({ done: end });
      // Reading and writing block the thread: signals are handled here.
      await setImmediate();
    }
  } catch (error) {
    throw fsError(error, `writing ${path}`);
  } finally {
    task.end({ outcome: done === count ? 'done' : 'failed' });
    if (fd !== undefined) closeSync(fd);
  }
}

function isAscending(order: Uint32Array): boolean {
  for (let i = 1; i < order.length; i++) if (order[i]! < order[i - 1]!) return false;
  return true;
}
