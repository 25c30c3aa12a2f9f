/** The labels of one split: any integer type and shape in, one byte a patch out. */
import { elementsOf } from '../core/index.js';
import { type ArrayReader, MAX_READ, text } from './array.js';
import { openArray } from './hdf5.js';
import { badData, badHdf5 } from './problems.js';

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
    if (total > MAX_READ / size) {
      throw badHdf5({ file, expected: `at most ${MAX_READ / size} labels`, found: `${total}` });
    }
    if (count !== undefined && total !== count) {
      throw badData({
        file,
        expected: `${count} labels, one for each patch`,
        found: `${total}, shape ${text(shape)}`,
      });
    }
    const target = new Uint8Array(total * size);
    array.readRows(0, target);
    return labelsOf(target, array);
  } finally {
    array.close();
  }
}

/** Little-endian integers to one byte each. */
function labelsOf(bytes: Uint8Array, { file, info: { size, signed } }: ArrayReader): Uint8Array {
  const labels = new Uint8Array(bytes.length / size);
  for (let i = 0, from = 0; i < labels.length; i++, from += size) {
    let rest = 0;
    for (let j = 1; j < size; j++) rest |= bytes[from + j]!;
    if (bytes[from]! > 1 || rest !== 0) {
      const found = integerOf(bytes.subarray(from, from + size), signed);
      throw badData({ file, expected: 'labels 0 or 1', found: `${found} at index ${i}` });
    }
    labels[i] = bytes[from]!;
  }
  return labels;
}

function integerOf(bytes: Uint8Array, signed: boolean): bigint {
  const value = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return signed ? BigInt.asIntN(bytes.length * 8, value) : value;
}

/**
 * Whether the share of positive labels is more than one percentage point from half. PCam's splits are near, not at, half:
 * 16,369 of the 32,768 labels of valid are 1.
 */
export function isUnbalanced(positive: number, patches: number): boolean {
  // In whole numbers, so that one percentage point itself is on the right side.
  return 50 * Math.abs(2 * positive - patches) > patches;
}
