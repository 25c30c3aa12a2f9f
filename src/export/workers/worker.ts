/** A worker of an export: checks or writes one shard after the other, with an HDF5 handle of its own. */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { fsError, PcamError, systemCode, toPlain } from '../../core/index.js';
import { type ImageReader, openImages } from '../../dataset/index.js';
import { neverBlocking, requireNoLinks } from '../../fs/index.js';
import { finalName, type SplitName } from '../../manifest/index.js';
import { parseList } from '../encode/index.js';
import { findFormat } from '../formats/index.js';
import { type FileRecord, ShardFiles } from '../output/index.js';
import type { FromWorker, Job, JobResult, WorkerSetup } from './protocol.js';
import { sourceOf } from './source.js';

const { dir, manifest, out, recipe, firstSplit, stop } = workerData as WorkerSetup;
const port = parentPort!;
const format = findFormat(recipe.format, recipe.layout);
const stopFlag = new Int32Array(stop);
const READ_BYTES = 1024 * 1024;
const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);
let opened: { split: SplitName; images: ImageReader } | undefined;

const warm = imagesOf(firstSplit).catch(() => {}); // the job that needs it says what is wrong

port.on('message', async (job: Job) => {
  try {
    await warm;
    tell({ type: 'done', result: await run(job) });
  } catch (error) {
    tell({ type: 'failed', error: toPlain(error, `exporting to ${out}`) });
  }
});

async function run(job: Job): Promise<JobResult> {
  const { task, known } = job;
  if (known && (await areRight(known))) {
    tell({ type: 'progress', patches: task.end - task.start });
    return { status: 'present', records: known, loose: [], folder: '', written: new Map() };
  }
  return write(job);
}

async function write({ task, facts, temporary, staged }: Job): Promise<JobResult> {
  const folder = join(temporary, `${task.split}-${task.number}`);
  const files = new ShardFiles(folder);
  const fd = staged && openSync(staged.path, 'r');
  try {
    const source = sourceOf({
      ...{ images: await imagesOf(task.split), facts, task, recipe, stopIfAsked },
      staged: fd === undefined ? undefined : { fd, whole: staged!.whole },
      onPatches: (patches) => tell({ type: 'progress', patches }),
    });
    await format.write({ task, recipe, source, output: files });
    const written = files.finish();
    const contents = { files: files.loosePaths.length, bytes: files.looseBytes };
    const records = written.map(({ file, bytes, sha256 }): FileRecord => {
      const side = task.files.find((planned) => planned.file === file)?.side ?? false;
      const [start, patches] = side ? [0, 0] : [task.start, task.end - task.start];
      const record = { file, split: task.split, side, start, patches, bytes, sha256 };
      return contents.files > 0 ? { ...record, contents } : record;
    });
    const identities = new Map(written.map(({ file, identity }) => [file, identity]));
    return { status: 'written', records, loose: files.loosePaths, folder, written: identities };
  } finally {
    files.abandon();
    if (fd !== undefined) closeSync(fd);
  }
}

/** Tasks come split by split, so one file is open at a time. */
async function imagesOf(split: SplitName): Promise<ImageReader> {
  if (opened?.split === split) return opened.images;
  opened?.images.close();
  opened = undefined;
  // Not missing: the main thread has looked.
  const file = manifest.files.find((candidate) => candidate.split === split && candidate.kind === 'images')!;
  const { path = 'x', shape } = file.array ?? {};
  const images = await openImages({ file: join(dir, finalName(file)), path, shape });
  opened = { split, images };
  return images;
}

async function areRight(known: readonly FileRecord[]): Promise<boolean> {
  for (const record of known) if (!(await isRight(record))) return false;
  return true;
}

/** Whether a file, and all that it lists, is as its record says. */
async function isRight({ file, bytes, sha256, contents }: FileRecord): Promise<boolean> {
  const text: Buffer[] | undefined = contents && [];
  if (!hasDigest({ file, sha256, bytes }, text)) return false;
  if (!contents) return true;
  const list = parseList(Buffer.concat(text!).toString('utf8'));
  await requireNoLinks(out, new Set(list.map((listed) => dirname(listed.file))));
  return list.length === contents.files && list.every((listed) => hasDigest(listed));
}

/** @param text takes the bytes that were digested */
function hasDigest(
  { file, sha256, bytes }: { file: string; sha256: string; bytes?: number },
  text?: Buffer[],
): boolean {
  const path = join(out, file);
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | neverBlocking(false));
    const stats = fstatSync(fd);
    if (!stats.isFile() || (bytes !== undefined && stats.size !== bytes)) return false;
    return digest(fd, createHash('sha256'), text) === sha256;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ENXIO'].includes(systemCode(error))) return false;
    throw fsError(error, `reading ${path}`);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function digest(fd: number, hash: Hash, text: Buffer[] | undefined): string {
  for (let read = -1; read !== 0; ) {
    stopIfAsked();
    read = readSync(fd, readBuffer);
    hash.update(readBuffer.subarray(0, read));
    text?.push(Buffer.from(readBuffer.subarray(0, read)));
  }
  return hash.digest('hex');
}

function stopIfAsked(): void {
  if (Atomics.load(stopFlag, 0) !== 0) throw new PcamError('ABORTED', 'stopped');
}

function tell(message: FromWorker): void {
  port.postMessage(message);
}
