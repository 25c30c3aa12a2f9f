/**
 * Arrays that lie in one block of their file (contiguous layout: HDF5 File Format Specification 3.0, IV.A.2.i). They
 * can be read past HDF5, which saves two copies of every byte.
 */
import { elementsOf } from '../core/index.js';
import type { H5File } from './hdf5.js';

/** What an HDF5 file says about an array. */
export interface ArrayInfo {
  readonly shape: readonly number[];
  /** `uint8`, `int64 big-endian`, `float32`, …: for messages. */
  readonly type: string;
  /** An integer type, or the one-byte enumeration that h5py writes for booleans. */
  readonly isInteger: boolean;
  readonly signed: boolean;
  /** Bytes an element. */
  readonly size: number;
  /** `null` when the layout is contiguous or compact. */
  readonly chunks: readonly number[] | null;
  /** Whether chunks are compressed or otherwise encoded. */
  readonly filtered: boolean;
}

/** Rows of fewer bytes are not worth the look. */
const WORTH_A_LOOK = 4096;

/**
 * Where the block of an array begins. HDF5 does not tell, but can be watched: it reads the first row from the place
 * of the first row, and the last one from its own.
 * @param readRow reads one row (an index of the first dimension) through HDF5
 * @returns undefined unless the two places and their bytes fit a block
 */
export function findBlock(
  h5: H5File,
  { shape, chunks, size }: ArrayInfo,
  readRow: (index: number, target: Uint8Array) => void,
): number | undefined {
  const [rows = 0, ...row] = shape;
  const rowBytes = elementsOf(row);
  // One byte per element, as HDF5 would convert larger ones.
  if (chunks !== null || size !== 1 || rows < 2 || rowBytes < WORTH_A_LOOK) return undefined;
  try {
    return findAddress({ h5, rows, rowBytes, readRow });
  } catch (error) {
    // Its state is unknown then. An error of HDF5 itself is thrown to the reader of the damaged part.
    if (error instanceof Error && error.name === 'RuntimeError') throw error;
    return undefined;
  }
}

interface Search {
  h5: H5File;
  rows: number;
  rowBytes: number;
  readRow: (index: number, target: Uint8Array) => void;
}

function findAddress({ h5, rows, rowBytes, readRow }: Search): number | undefined {
  const watched = [0, rows - 1].map((index) => {
    const bytes = new Uint8Array(rowBytes);
    const reads = h5.readsOf(() => readRow(index, bytes)).filter(({ length }) => length >= rowBytes);
    return { bytes, position: reads.length === 1 ? reads[0]!.position : Number.NaN };
  });
  const [first, last] = watched.map(({ position }) => position);
  if (last! - first! !== (rows - 1) * rowBytes) return undefined;
  const there = new Uint8Array(rowBytes);
  const same = watched.every(
    ({ bytes, position }) => h5.pread(there, position) === rowBytes && Buffer.compare(there, bytes) === 0,
  );
  return same ? first : undefined;
}
