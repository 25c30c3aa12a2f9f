/** The splits that `browse` shows: their columns, one value per patch, and the pixels of each patch. */
import { PATCH_BYTES } from '../core/index.js';
import { arrayOf, type MetaTable, openImages } from '../dataset/index.js';
import type { SplitDetails } from '../explore/stats/index.js';
import type { SplitName } from '../manifest/index.js';
import { SHA1_BYTES } from '../scan/index.js';
import type { Input } from '../verified/index.js';

/** Little-endian, as every machine that runs Node.js or a browser stores them. */
export type Column = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float32Array;

export interface BrowseSplit {
  readonly name: SplitName;
  readonly count: number;
  readonly labels: Uint8Array | null;
  readonly meta: MetaTable | null;
  /** Columns by name, shape (count) each; those of the scan are added when it gets there. */
  readonly columns: Map<string, Column>;
  /** The chosen patches in their order; undefined: all of them. */
  readonly chosen: Uint32Array | undefined;
  /** SHA-1 of each patch, shape (count, 20), once the split is scanned. */
  sha1?: Uint8Array;
  /** uint8, shape (96, 96, 3). @throws PcamError BAD_HDF5, IO */
  read(index: number): Uint8Array;
  close(): void;
}

/** @throws PcamError BAD_HDF5, BAD_CSV, BAD_DATA */
export async function openBrowseSplit(
  input: Input,
  name: SplitName,
  chosen: Uint32Array | undefined,
): Promise<BrowseSplit> {
  const { dir, manifest } = input;
  const [labels, meta] = [await input.labels(name), await input.meta(name)];
  const images = await openImages(arrayOf({ dir, manifest, split: name, kind: 'images' }));
  const { count } = images;
  return {
    ...{ name, count, labels, meta, chosen },
    columns: firstColumns(count, labels, meta),
    read: (index) => images.read(index, index + 1, new Uint8Array(PATCH_BYTES)),
    close: () => images.close(),
  };
}

function firstColumns(count: number, labels: Uint8Array | null, meta: MetaTable | null): Map<string, Column> {
  const columns = new Map<string, Column>();
  if (labels) columns.set('label', labels);
  if (meta) {
    const numbers = new Map(meta.slides.map((slide, number) => [slide, number]));
    const [slide, x, y] = [new Uint16Array(count), new Int32Array(count), new Int32Array(count)];
    for (let index = 0; index < count; index++) {
      const row = meta.row(index);
      slide[index] = numbers.get(row.wsi)!;
      x[index] = row.coord_x;
      y[index] = row.coord_y;
    }
    columns.set('slide', slide).set('x', x).set('y', y);
  }
  return columns;
}

/** Adds what one reading of all patches has found. */
export function addScan(split: BrowseSplit, { scan, first, copies }: SplitDetails): void {
  split.sha1 = scan.sha1;
  split.columns.set('first', first).set('copies', copies).set('uniform', scan.uniform);
  if (split.labels) split.columns.set('conflicting', conflicting(first, split.labels));
  for (const name of ['brightness', 'saturation', 'tissue'] as const) split.columns.set(name, scan[name]);
}

/** 1 for each patch whose pixels occur with both labels. */
function conflicting(first: Uint32Array, labels: Uint8Array): Uint8Array {
  const seen = new Uint8Array(first.length);
  for (let index = 0; index < first.length; index++) seen[first[index]!]! |= 1 << labels[index]!;
  return Uint8Array.from(first, (patch) => Number(seen[patch] === 3));
}

/** The SHA-1 of one patch. */
export function digestAt(sha1: Uint8Array, index: number): Buffer {
  return Buffer.from(sha1.buffer, sha1.byteOffset + index * SHA1_BYTES, SHA1_BYTES);
}

/**
 * Numbers the contents of all splits: patches with the same number have the same pixels, whatever their split.
 * The column `content` appears when all splits are scanned.
 */
export function numberContents(splits: readonly BrowseSplit[]): void {
  const numbers = new Map<string, number>();
  for (const { sha1, count, columns } of splits) {
    const content = new Uint32Array(count);
    for (let index = 0; index < count; index++) {
      const key = digestAt(sha1!, index).toString('latin1');
      const number = numbers.get(key) ?? numbers.size;
      numbers.set(key, number);
      content[index] = number;
    }
    columns.set('content', content);
  }
}
