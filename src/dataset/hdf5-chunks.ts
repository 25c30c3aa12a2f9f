/** Where whole patches lie in an HDF5 file, so that other programs can map them without an HDF5 library. */
import { closeSync, fstatSync } from 'node:fs';
import { elementsOf } from '../core/index.js';
import { openRegularFile } from './hdf5.js';
import { assume, FileBytes, leavesOf, Unusual } from './hdf5-blocks.js';
import { type ChunkIndex, readStructure, type StoredArray } from './hdf5-structure.js';

/** How an array is stored. */
export interface ArrayPlace {
  /** Its path in the file. */
  readonly path: string;
  readonly shape: readonly number[];
  /** As NumPy writes it: `uint8`, `int64`, `>i8`. */
  readonly dtype: string;
  readonly layout: 'contiguous' | 'chunked' | 'compact';
  /** Byte at which the elements begin, where they lie in one block. */
  readonly offset: number | null;
  /** The chunks in order, where each holds whole rows, such as patches, as they are. */
  readonly chunks: ChunkPlaces | null;
  /** Identifiers of the filters that chunks pass through; `null` where there are none. */
  readonly filters: readonly number[] | null;
}

export interface ChunkPlaces {
  /** Elements per chunk in each dimension. The last chunk has this size too, with unused rows at its end. */
  readonly shape: readonly number[];
  /** Byte at which the first chunk begins, and from each chunk to the next, where the distance is always the same. */
  readonly offset: number | null;
  readonly stride: number | null;
  /** Byte at which each chunk begins, where the distance differs. */
  readonly offsets: readonly number[] | null;
}

/** PCam has 262,144 patches, at worst one chunk each. */
const MAX_CHUNKS = 2 ** 20;

/** How the array at `path` is stored; `null` where that is unusual, or the file is damaged. @throws as `openArray` does */
export function readPlace(file: string, path: string): ArrayPlace | null {
  const fd = openRegularFile(file);
  try {
    const bytes = fstatSync(fd).size;
    const stored = readStructure(fd, bytes, path);
    if (!stored) return null;
    const { shape, layout, filters } = stored;
    return {
      path,
      shape,
      dtype: dtypeOf(stored),
      layout: layout.type,
      offset: layout.type === 'contiguous' ? layout.offset : null,
      chunks: placesOfChunks(new FileBytes(fd, bytes), stored),
      filters: filters.length > 0 ? filters : null,
    };
  } finally {
    closeSync(fd);
  }
}

function dtypeOf({ size, signed, littleEndian }: StoredArray): string {
  return littleEndian || size === 1
    ? `${signed ? 'int' : 'uint'}${8 * size}`
    : `>${signed ? 'i' : 'u'}${size}`;
}

function placesOfChunks(file: FileBytes, array: StoredArray): ChunkPlaces | null {
  const { shape, layout, filters, size } = array;
  if (layout.type !== 'chunked' || !layout.index || filters.length > 0) return null;
  const { chunk, index } = layout;
  const wholeRows = chunk.every((n, i) => n > 0 && (i === 0 || n === shape[i]));
  const count = Math.ceil(shape[0]! / chunk[0]!);
  if (!wholeRows || count < 1 || count > MAX_CHUNKS) return null;
  const bytes = elementsOf(chunk) * size;
  try {
    const offsets = offsetsOf(file, { index, count, bytes, rank: shape.length, rows: chunk[0]! });
    assume(offsets.every((offset) => offset > 0 && offset + bytes <= file.size));
    const stride = count > 1 ? offsets[1]! - offsets[0]! : bytes;
    const isRegular = offsets.every((offset, i) => offset === offsets[0]! + i * stride);
    return isRegular
      ? { shape: chunk, offset: offsets[0]!, stride, offsets: null }
      : { shape: chunk, offset: null, stride: null, offsets: [...offsets] };
  } catch (error) {
    if (error instanceof Unusual || error instanceof RangeError) return null;
    throw error;
  }
}

interface Chunks {
  index: ChunkIndex;
  count: number;
  /** Of one chunk. */
  bytes: number;
  /** Dimensions of the array, and rows of one chunk. */
  rank: number;
  rows: number;
}

function offsetsOf(file: FileBytes, chunks: Chunks): Float64Array {
  const { index, count, bytes } = chunks;
  switch (index.type) {
    case 'single':
      assume(count === 1);
      return Float64Array.of(index.address);
    case 'implicit':
      return Float64Array.from({ length: count }, (_, i) => index.address + i * bytes);
    case 'fixed array':
      return offsetsInFixedArray(file, chunks);
    case 'B-tree':
      return offsetsInTree(file, chunks);
  }
}

/** A B-tree of version 1 (III.A.1), whose keys have the place of a chunk in the array. */
function offsetsInTree(file: FileBytes, { index, count, bytes, rank, rows }: Chunks): Float64Array {
  const offsets = new Float64Array(count).fill(-1);
  const tree = {
    address: index.address,
    type: 1,
    keyBytes: 8 + 8 * (rank + 1),
    maxNodes: count + 64,
  } as const;
  for (const { key, child } of leavesOf(file, tree)) {
    assume(key.number(4) === bytes && key.number(4) === 0); // its size, and no filter left out
    const row = key.long();
    assume(row % rows === 0 && row / rows < count);
    offsets[row / rows] = child;
  }
  return offsets;
}

/** A fixed array (VII.C), in one block or in pages. */
function offsetsInFixedArray(file: FileBytes, { index, count }: Chunks): Float64Array {
  const header = file.read(index.address, 28).signature('FAHD');
  assume(header.number(1) === 0 && header.number(1) === 0); // version, and chunks without filters
  const [entryBytes, pageBits] = [header.number(1), header.number(1)];
  const [entries, address] = [header.long(), header.long()];
  assume(entryBytes === 8 && pageBits >= 1 && pageBits <= 12 && entries === count);
  file.read(address, 14).signature('FADB');
  const perPage = 2 ** pageBits;
  const pages = Math.ceil(entries / perPage);
  const isPaged = pages > 1;
  // A bitmap tells which pages were written; it and each page end with a checksum.
  const bitmap = file.read(address + 14, Math.ceil(pages / 8)).bytes;
  for (let page = 0; isPaged && page < pages; page++)
    assume((bitmap[page >> 3]! & (0x80 >> (page & 7))) !== 0);
  const start = address + 14 + (isPaged ? bitmap.length + 4 : 0);
  const offsets = new Float64Array(count);
  for (let at = 0; at < count; at += perPage) {
    const length = Math.min(perPage, count - at);
    const page = file.read(start + 8 * at + (isPaged ? 4 * (at / perPage) : 0), 8 * length);
    for (let i = 0; i < length; i++) offsets[at + i] = page.long();
  }
  return offsets;
}
