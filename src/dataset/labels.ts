/** The labels of one split: any integer type and shape in, one byte a patch out. */
import { elementsOf } from '../core/index.js';
import { type ArrayReader, MAX_READ, text } from './array.js';
import { openArray } from './hdf5.js';
import { badData, badHdf5 } from './problems.js';
import { MAX_PATCHES } from './types.js';

/**
 * Reads all labels of a split.
 * @param options.count number of patches, when it is known
 * @returns shape (N), values 0 or 1
 * @throws PcamError BAD_HDF5 when the array is of another type; BAD_DATA when there are not `count` labels,
 *   or one is neither 0 nor 1
 */
export async function readLabels({
  file,
  path,
  count,
}: {
  file: string;
  path: string;
  count?: number;
}): Promise<Uint8Array> {
  const array = await openArray(file, path);
  try {
    const { shape, type, isInteger, size } = array.info;
    if (!isInteger) throw badHdf5({ file, expected: `an integer type for ${path}`, found: `type ${type}` });
    const total = elementsOf(shape);
    if (total > MAX_PATCHES) {
      throw badHdf5({ file, expected: `at most ${MAX_PATCHES} labels`, found: `${total}` });
    }
    if (count !== undefined && total !== count) {
      throw badData({
        file,
        expected: `${count} labels, one for each patch`,
        found: `${total}, shape ${text(shape)}`,
      });
    }
    const labels = new Uint8Array(total);
    for (const slice of slices(array)) {
      const bytes = new Uint8Array(slice.elements * size);
      array.read({ ...slice, target: bytes });
      convert({ bytes, size, labels, at: slice.at, array });
    }
    return labels;
  } finally {
    array.close();
  }
}

/**
 * Whether the share of positive labels is more than one percentage point from half. PCam's splits are near, not at, half:
 * 16,369 of the 32,768 labels of valid are 1.
 */
export function isUnbalanced(positive: number, patches: number): boolean {
  // In whole numbers, so that one percentage point itself is on the right side.
  return 50 * Math.abs(2 * positive - patches) > patches;
}

interface Slice {
  readonly offset: number[];
  readonly count: number[];
  /** The place of the slice's first element in C order, and how many it has. */
  readonly at: number;
  readonly elements: number;
}

/** Cuts the array along its first dimension that is not 1, so that every slice is contiguous in C order. */
function* slices({ file, path, info }: ArrayReader): Generator<Slice> {
  const { shape, size } = info;
  const long = shape.findIndex((n) => n !== 1);
  const axis = Math.max(long, 0);
  const row = elementsOf(shape.slice(axis + 1));
  if (row * size > MAX_READ) {
    throw badHdf5({
      file,
      expected: `shape (N,) or (N, 1, 1, 1) for ${path}`,
      found: `shape ${text(shape)}`,
    });
  }
  const rows = shape[axis] ?? 0;
  const most = Math.max(1, Math.floor(MAX_READ / Math.max(1, row * size)));
  for (let start = 0; start < rows; start += most) {
    const n = Math.min(most, rows - start);
    const offset = shape.map((_, i) => (i === axis ? start : 0));
    const count = shape.map((whole, i) => (i === axis ? n : whole));
    yield { offset, count, at: start * row, elements: n * row };
  }
}

interface Conversion {
  bytes: Uint8Array;
  size: number;
  labels: Uint8Array;
  at: number;
  array: ArrayReader;
}

/** Little-endian integers of `size` bytes to one byte each. */
function convert({ bytes, size, labels, at, array }: Conversion): void {
  for (let i = 0, from = 0; from < bytes.length; i++, from += size) {
    let rest = 0;
    for (let j = 1; j < size; j++) rest |= bytes[from + j]!;
    if (bytes[from]! > 1 || rest !== 0) {
      const found = integerAt({ bytes, from, size, signed: array.info.signed });
      throw badData({ file: array.file, expected: 'labels 0 or 1', found: `${found} at index ${at + i}` });
    }
    labels[at + i] = bytes[from]!;
  }
}

interface IntegerPlace {
  bytes: Uint8Array;
  from: number;
  size: number;
  signed: boolean;
}

function integerAt({ bytes, from, size, signed }: IntegerPlace): bigint {
  let value = 0n;
  for (let j = size - 1; j >= 0; j--) value = (value << 8n) | BigInt(bytes[from + j]!);
  return signed ? BigInt.asIntN(size * 8, value) : value;
}
