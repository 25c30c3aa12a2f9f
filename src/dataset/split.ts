/** Opens one split: its images, its labels, and its meta rows where they are there. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PcamError, throwIfAborted } from '../core/index.js';
import { type DatasetFile, finalName, type Kind, type Manifest, type SplitName } from '../manifest/index.js';
import { type ImageReader, MAX_BATCH, openImages } from './images.js';
import { readLabels } from './labels.js';
import { readMeta } from './meta.js';
import {
  type Batch,
  type BatchOptions,
  MAX_PATCHES,
  type MetaRow,
  type MetaTable,
  type Split,
} from './types.js';

/** Name of the array where the manifest gives none. */
const ARRAY_NAMES = { images: 'x', labels: 'y' } as const;
const DEFAULT_BATCH = 256;

export interface OpenSplitOptions {
  /** The data set folder. */
  dir: string;
  manifest: Manifest;
  split: SplitName;
  signal?: AbortSignal;
}

/**
 * Opens a split for reading. Digests are not looked at: that is what `verify` is for.
 * Works in worker threads, each with its own handle.
 * @throws PcamError MISSING when images or labels are not in the folder; BAD_HDF5, BAD_CSV, BAD_DATA when a
 *   file is not what the data set has, or images, labels and meta rows do not belong together
 */
export async function openSplit({ dir, manifest, split, signal }: OpenSplitOptions): Promise<Split> {
  const images = await openImages(arrayOf({ dir, manifest, split, kind: 'images' }));
  try {
    throwIfAborted(signal);
    const { count } = images;
    const { file, path } = arrayOf({ dir, manifest, split, kind: 'labels' });
    const labels = await readLabels({ file, path, count });
    throwIfAborted(signal);
    const metaFile = locate({ dir, manifest, split, kind: 'meta' });
    const meta = metaFile?.present ? await readMeta({ file: metaFile.path, count, signal }) : null;
    return new OpenSplit({ name: split, images, labels, meta });
  } catch (error) {
    images.close();
    throw error;
  }
}

interface FileQuery {
  dir: string;
  manifest: Manifest;
  split: SplitName;
  kind: Kind;
}

/** Where the file of a split and kind lies, and whether it does; `undefined` when the manifest has none. */
export function locate({
  dir,
  manifest,
  split,
  kind,
}: FileQuery): { entry: DatasetFile; path: string; present: boolean } | undefined {
  const entry = manifest.files.find((file) => file.split === split && file.kind === kind);
  if (!entry) return undefined;
  const path = join(dir, finalName(entry));
  return { entry, path, present: existsSync(path) };
}

/** The HDF5 array of a split: which file, which path inside, which shape. */
export function arrayOf(query: FileQuery & { kind: 'images' | 'labels' }): {
  file: string;
  path: string;
  shape?: readonly number[];
} {
  const { kind, split } = query;
  const found = locate(query);
  if (!found) {
    throw new PcamError('BAD_MANIFEST', `the manifest has no ${kind} of the split ${split}`, {
      hint: 'use a manifest that lists them, or choose another split',
      options: ['manifest', 'splits'],
    });
  }
  if (!found.present) {
    throw new PcamError('MISSING', `the ${kind} of ${split} are missing: there is no ${found.path}`, {
      hint: 'fetch them first, or name the folder that they are in',
      options: ['dir'],
      next: { command: 'download', splits: [split] },
    });
  }
  const { array } = found.entry;
  return { file: found.path, path: array?.path ?? ARRAY_NAMES[kind], shape: array?.shape };
}

/**
 * Number of patches of a split: by the manifest, or by the images where it does not say.
 * @throws PcamError MISSING, BAD_HDF5
 */
export async function countPatches(query: Omit<FileQuery, 'kind'>): Promise<number> {
  const array = arrayOf({ ...query, kind: 'images' });
  const [count = Number.POSITIVE_INFINITY] = array.shape ?? [];
  if (count <= MAX_PATCHES) return count;
  const images = await openImages(array);
  images.close();
  return images.count;
}

class OpenSplit implements Split {
  readonly name: SplitName;
  readonly labels: Uint8Array;
  readonly meta: MetaTable | null;
  readonly #images: ImageReader;

  constructor(parts: { name: SplitName; images: ImageReader; labels: Uint8Array; meta: MetaTable | null }) {
    this.name = parts.name;
    this.labels = parts.labels;
    this.meta = parts.meta;
    this.#images = parts.images;
  }

  get count(): number {
    return this.#images.count;
  }

  readPatches(start: number, end: number): Uint8Array {
    return this.#images.read(start, end);
  }

  async *batches({
    size = DEFAULT_BATCH,
    start = 0,
    end = this.count,
    signal,
  }: BatchOptions = {}): AsyncGenerator<Batch, void, void> {
    if (!Number.isInteger(size) || size < 1 || size > MAX_BATCH) {
      throw new PcamError('USAGE', `a batch size is a whole number from 1 to ${MAX_BATCH}, not ${size}`);
    }
    if (!Number.isInteger(start) || !Number.isInteger(end) || start < 0 || end < start || end > this.count) {
      throw new PcamError('USAGE', `patches ${start} to ${end} are not a part of ${this.count} patches`);
    }
    for (let at = start; at < end; at += size) {
      throwIfAborted(signal);
      const stop = Math.min(end, at + size);
      yield {
        start: at,
        count: stop - at,
        images: this.readPatches(at, stop),
        labels: this.labels.slice(at, stop),
        meta: this.meta && rows(this.meta, at, stop),
      };
    }
  }

  close(): void {
    this.#images.close();
  }
}

function rows(meta: MetaTable, start: number, end: number): MetaRow[] {
  return Array.from({ length: end - start }, (_, i) => meta.row(start + i));
}
