/** A worker of an export: checks or writes one shard after the other, with an HDF5 handle of its own. */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { openSplit, type Split } from '../dataset/index.js';
import { fsError, messageOf, PcamError } from '../errors.js';
import { cropPatches, sideOf } from './crop.js';
import { findFormat } from './index.js';
import { parseList } from './list.js';
import type { FromWorker, Job, JobResult, WorkerSetup } from './protocol.js';
import { ShardFiles } from './sink.js';
import type { FileRecord, PatchBatch, PlainError, ShardSource, ShardTask } from './types.js';

const { dir, manifest, out, temporary, recipe, stop } = workerData as WorkerSetup;
const port = parentPort!;
const format = findFormat(recipe.format, recipe.layout);
const side = sideOf(recipe.crop);
const stopFlag = new Int32Array(stop);
const READ_BYTES = 1024 * 1024;
const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);
let opened: Split | undefined;

port.on('message', async (job: Job) => {
  try {
    tell({ type: 'done', result: await run(job) });
  } catch (error) {
    tell({ type: 'failed', ...plain(error) });
  }
});

async function run({ task, known }: Job): Promise<JobResult> {
  if (known?.every(isRight)) {
    tell({ type: 'progress', patches: task.end - task.start });
    return { status: 'present', records: known, loose: [], folder: '' };
  }
  return write(task);
}

async function write(task: ShardTask): Promise<JobResult> {
  const folder = `${task.split}-${task.number}`;
  const files = new ShardFiles(join(temporary, folder));
  try {
    const split = await splitOf(task);
    await format.write({ task, recipe, source: sourceOf(split, task), output: files });
    const written = files.finish();
    const contents = { files: files.loosePaths.length, bytes: files.looseBytes };
    const records = written.map(({ file, bytes, sha256 }): FileRecord => {
      const side = task.files.find((planned) => planned.file === file)?.side ?? false;
      const [start, patches] = side ? [0, 0] : [task.start, task.end - task.start];
      const record = { file, split: task.split, side, start, patches, bytes, sha256 };
      return contents.files > 0 ? { ...record, contents } : record;
    });
    return { status: 'written', records, loose: files.loosePaths, folder };
  } finally {
    files.abandon();
  }
}

/** Tasks come split by split, so one is open at a time. */
async function splitOf({ split }: ShardTask): Promise<Split> {
  if (opened?.name !== split) {
    opened?.close();
    opened = undefined;
    opened = await openSplit({ dir, manifest, split });
  }
  return opened;
}

function sourceOf(split: Split, { start, end }: ShardTask): ShardSource {
  return {
    side,
    labels: split.labels,
    meta: split.meta,
    *batches(size): Generator<PatchBatch, void, void> {
      for (let at = start; at < end; at += size) {
        stopIfAsked();
        const until = Math.min(end, at + size);
        const pixels = cropPatches(split.readPatches(at, until), side);
        yield { start: at, count: until - at, pixels };
        tell({ type: 'progress', patches: until - at });
      }
    },
  };
}

/** Whether a file, and all that it lists, is as its record says. */
function isRight({ file, bytes, sha256, contents }: FileRecord): boolean {
  if (!hasDigest({ file, sha256, bytes })) return false;
  if (!contents) return true;
  const list = parseList(readFileSync(join(out, file), 'utf8'));
  return list.length === contents.files && list.every(hasDigest);
}

function hasDigest({ file, sha256, bytes }: { file: string; sha256: string; bytes?: number }): boolean {
  const path = join(out, file);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats?.isFile() || (bytes !== undefined && stats.size !== bytes)) return false;
  try {
    return digest(path, createHash('sha256')) === sha256;
  } catch (error) {
    throw fsError(error, `reading ${path}`);
  }
}

function digest(path: string, hash: Hash): string {
  const fd = openSync(path, 'r');
  try {
    for (let read = -1; read !== 0; ) {
      stopIfAsked();
      read = readSync(fd, readBuffer);
      hash.update(readBuffer.subarray(0, read));
    }
    return hash.digest('hex');
  } finally {
    closeSync(fd);
  }
}

function stopIfAsked(): void {
  if (Atomics.load(stopFlag, 0) !== 0) throw new PcamError('ABORTED', 'stopped');
}

function tell(message: FromWorker): void {
  port.postMessage(message);
}

function plain(error: unknown): { error: PlainError; stack?: string } {
  if (error instanceof PcamError) {
    const { code, message, hint, expected, found } = error;
    return { error: { code, message, hint, expected, found } };
  }
  const doing = `exporting to ${out}`;
  const known = fsError(error, doing);
  return {
    error: { code: known.code, message: messageOf(known), hint: known.hint },
    stack: error instanceof Error ? error.stack : undefined,
  };
}
