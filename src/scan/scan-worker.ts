/** A thread of a scan: takes ranges of patches until there are none, each with an HDF5 handle of its own. */
import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { PATCH_BYTES, type PlainError, toPlain } from '../core/index.js';
import { openImages } from '../dataset/index.js';
import { DigestTable } from './digest-table.js';
import { PairCounter } from './histogram.js';
import { type Histograms, type ScanTask, SHA1_BYTES, UNIFORM } from './types.js';

export type FromScanner =
  | { type: 'progress'; patches: number }
  /** `unique` here: of the patches that this thread was the first to see. */
  | { type: 'done'; histograms: Histograms }
  | { type: 'failed'; error: PlainError };

const task = workerData as ScanTask;
const port = parentPort!;
const sha1 = new Uint8Array(task.sha1);
const uniform = new Uint8Array(task.uniform);
const control = new Int32Array(task.control);
const table = new DigestTable({ table: task.table, sha1 });
const unique = new PairCounter();
const copies = new PairCounter();

scan().catch((error) => tell({ type: 'failed', error: toPlain(error, `reading ${task.file}`) }));

async function scan(): Promise<void> {
  const images = await openImages(task);
  try {
    // A whole number of chunks, so that none is unpacked by two threads.
    const step = images.batch;
    const pixels = new Uint8Array(step * PATCH_BYTES);
    const words = new Uint32Array(pixels.buffer);
    for (;;) {
      const start = Atomics.add(control, 0, step);
      if (start >= task.count || Atomics.load(control, 1) !== 0) break;
      const end = Math.min(task.count, start + step);
      const some = pixels.subarray(0, (end - start) * PATCH_BYTES);
      images.read(start, end, some);
      for (let i = start; i < end; i++) look({ index: i, from: (i - start) * PATCH_BYTES, pixels, words });
      tell({ type: 'progress', patches: end - start });
    }
    const [first, repeated] = [unique.takeHistogram(), copies.takeHistogram()];
    const all = first.map((times, i) => times + repeated[i]!);
    tell({ type: 'done', histograms: { all, unique: first } });
  } finally {
    images.close();
  }
}

interface Place {
  index: number;
  /** Where the patch begins in `pixels`, which `words` is a view of. */
  from: number;
  pixels: Uint8Array;
  words: Uint32Array;
}

function look({ index, from, pixels, words }: Place): void {
  const digest = createHash('sha1')
    .update(pixels.subarray(from, from + PATCH_BYTES))
    .digest();
  sha1.set(digest, index * SHA1_BYTES);
  const first = table.enter(index) === index;
  (first ? unique : copies).add(words, from / 4);
  uniform[index] = colourOf(pixels, from);
}

function colourOf(pixels: Uint8Array, from: number): number {
  for (let i = from + 3; i < from + PATCH_BYTES; i++) if (pixels[i] !== pixels[i - 3]) return UNIFORM.no;
  const [red, green, blue] = pixels.subarray(from, from + 3);
  if (red !== green || green !== blue) return UNIFORM.other;
  return red === 255 ? UNIFORM.white : red === 0 ? UNIFORM.black : UNIFORM.other;
}

function tell(message: FromScanner): void {
  port.postMessage(message);
}
