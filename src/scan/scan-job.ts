/** A worker of a scan: takes ranges of patches until there are none, with an HDF5 handle of its own. */
import { hash } from 'node:crypto';
import { endianness } from 'node:os';
import { PATCH_BYTES } from '../core/index.js';
import { openImages } from '../dataset/index.js';
import type { Job } from '../threads/index.js';
import { DigestTable } from './digest-table.js';
import { PairCounter } from './pair-counter.js';
import { measurePixels } from './pixels.js';
import { type Columns, type Histograms, SHA1_BYTES, UNIFORM } from './types.js';

/** What the threads of a scan share. */
export interface ScanTask {
  readonly file: string;
  readonly path: string;
  readonly shape: readonly number[] | undefined;
  readonly count: number;
  /** In shared memory. */
  readonly columns: Columns;
  /** Slots of the digest table. */
  readonly table: SharedArrayBuffer;
  /** Int32: the first patch that no thread has taken. */
  readonly next: SharedArrayBuffer;
}

/** Reports numbers of patches; `unique` of its result is of the patches that this thread was the first to see. */
export const scanJob: Job<ScanTask, Histograms, number> = {
  name: 'scan',
  doing: ({ file }) => `reading ${file}`,
  run: (task, { report }) => new Scanner(task).run(report),
};

interface PatchInBatch {
  index: number;
  /** Where the patch begins in `pixels`, which `words` is a view of. */
  from: number;
  pixels: Uint8Array;
  words: Uint32Array;
}

class Scanner {
  readonly #task: ScanTask;
  /** The first patch that no worker has taken. */
  readonly #next: Int32Array;
  readonly #table: DigestTable;
  readonly #unique = new PairCounter();
  readonly #copies = new PairCounter();

  constructor(task: ScanTask) {
    this.#task = task;
    this.#next = new Int32Array(task.next);
    this.#table = new DigestTable({ table: task.table, sha1: task.columns.sha1 });
  }

  async run(report: (patches: number) => void): Promise<Histograms> {
    const { count } = this.#task;
    const images = await openImages(this.#task);
    try {
      // A whole number of chunks, so that none is unpacked by two workers.
      const step = images.batch;
      const pixels = new Uint8Array(step * PATCH_BYTES);
      const words = new Uint32Array(pixels.buffer);
      for (;;) {
        const start = Atomics.add(this.#next, 0, step);
        if (start >= count) break;
        const end = Math.min(count, start + step);
        const some = pixels.subarray(0, (end - start) * PATCH_BYTES);
        images.read(start, end, some);
        for (let i = start; i < end; i++)
          this.#measure({ index: i, from: (i - start) * PATCH_BYTES, pixels, words });
        report(end - start);
      }
      const [first, repeated] = [this.#unique.takeHistogram(), this.#copies.takeHistogram()];
      const all = first.map((times, i) => times + repeated[i]!);
      return { all, unique: first };
    } finally {
      images.close();
    }
  }

  #measure({ index, from, pixels, words }: PatchInBatch): void {
    const { sha1, uniform, brightness, saturation, tissue } = this.#task.columns;
    const bytes = pixels.subarray(from, from + PATCH_BYTES);
    sha1.set(hash('sha1', bytes, 'buffer'), index * SHA1_BYTES);
    uniform[index] = colourOf(bytes);
    if (endianness() === 'BE') Buffer.from(pixels.buffer, from, PATCH_BYTES).swap32();
    const first = this.#table.enter(index) === index;
    (first ? this.#unique : this.#copies).add(words, from / 4);
    const measures = measurePixels(words, from / 4);
    brightness[index] = measures.brightness;
    saturation[index] = measures.saturation;
    tissue[index] = measures.tissue;
  }
}

function colourOf(bytes: Uint8Array): number {
  for (let i = 3; i < bytes.length; i++) if (bytes[i] !== bytes[i - 3]) return UNIFORM.no;
  const [red, green, blue] = bytes;
  if (red !== green || green !== blue) return UNIFORM.other;
  return red === 255 ? UNIFORM.white : red === 0 ? UNIFORM.black : UNIFORM.other;
}
