/**
 * Reads scores from a NumPy array of shape (N,), (N, 1) or (N, 2). Pickled objects are refused, as loading them runs code.
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
import type { FileHandle } from 'node:fs/promises';
import { PcamError, printable } from '../../core/index.js';
import { MAX_ROWS, type ScoreRows } from './rows.js';

const MAGIC = Buffer.from('\x93NUMPY', 'latin1');
const MAX_HEADER = 64 * 1024;
/** How far the two probabilities of a row may be from 1. */
const SUM_TOLERANCE = 1e-3;

type Read = (view: DataView, at: number, little: boolean) => number;

/** By kind and size of the type, such as `f4`. */
const TYPES: ReadonlyMap<string, Read> = new Map<string, Read>([
  ['b1', (view, at) => Number(view.getUint8(at) !== 0)],
  ['i1', (view, at) => view.getInt8(at)],
  ['u1', (view, at) => view.getUint8(at)],
  ['i2', (view, at, little) => view.getInt16(at, little)],
  ['u2', (view, at, little) => view.getUint16(at, little)],
  ['i4', (view, at, little) => view.getInt32(at, little)],
  ['u4', (view, at, little) => view.getUint32(at, little)],
  ['i8', (view, at, little) => Number(view.getBigInt64(at, little))],
  ['u8', (view, at, little) => Number(view.getBigUint64(at, little))],
  ['f2', (view, at, little) => float16(view.getUint16(at, little))],
  ['f4', (view, at, little) => view.getFloat32(at, little)],
  ['f8', (view, at, little) => view.getFloat64(at, little)],
]);

interface Header {
  readonly read: Read;
  readonly size: number;
  readonly little: boolean;
  readonly fortran: boolean;
  readonly rows: number;
  readonly columns: number;
  /** Where the data starts. */
  readonly start: number;
}

/** @throws PcamError BAD_DATA when it is no such array */
export async function readNpy(file: string, handle: FileHandle): Promise<ScoreRows> {
  const header = await readHeader(file, handle);
  const { rows, columns, size, start } = header;
  const bytes = rows * columns * size;
  const found = (await handle.stat()).size;
  if (found !== start + bytes) {
    throw bad(file, `${start + bytes} bytes, as its header says`, `${found} bytes`);
  }
  const data = Buffer.alloc(bytes);
  await readFully(file, handle, data, start);
  const columnOf = decode(data, header);
  const scores = columns === 1 ? columnOf(0) : columnOf(1);
  const first = columns === 2 ? columnOf(0) : null;
  const twoLogits = first !== null && !areProbabilities(first, scores);
  if (twoLogits) for (let row = 0; row < rows; row++) scores[row]! -= first[row]!;
  const badScores = new Map<number, string>();
  for (let row = 0; row < rows; row++) {
    if (Number.isFinite(scores[row])) continue;
    if (badScores.size < 3) badScores.set(row, String(scores[row]));
    scores[row] = Number.NaN;
  }
  return {
    ...{ file, count: rows, column: null, naming: 'order', scores, twoLogits, badScores },
    splits: new Uint8Array(rows),
    indices: new Uint32Array(rows),
    sha1: null,
    badNames: new Map(),
  };
}

async function readHeader(file: string, handle: FileHandle): Promise<Header> {
  const head = Buffer.alloc(12);
  const { bytesRead } = await handle.read(head, 0, head.length, 0);
  const version = head[6]!;
  if (bytesRead < 10 || !head.subarray(0, MAGIC.length).equals(MAGIC) || version < 1 || version > 3) {
    throw bad(file, 'a NumPy array (.npy, format 1 to 3)', 'something else');
  }
  const [length, at] = version === 1 ? [head.readUInt16LE(8), 10] : [head.readUInt32LE(8), 12];
  if (length > MAX_HEADER) throw bad(file, `a header of at most ${MAX_HEADER} bytes`, `one of ${length}`);
  const text = Buffer.alloc(length);
  await readFully(file, handle, text, at);
  return { ...parseHeader(file, text.toString('latin1')), start: at + length };
}

/** The literal of a Python dictionary with three known keys. */
function parseHeader(file: string, text: string): Omit<Header, 'start'> {
  const [, order = '', type = ''] = /'descr':\s*'([<>|=]?)([a-zA-Z]\d*)'/.exec(text) ?? [];
  const [, fortran] = /'fortran_order':\s*(True|False)/.exec(text) ?? [];
  const [, dimensions] = /'shape':\s*\(([\d,\s]*)\)/.exec(text) ?? [];
  const read = TYPES.get(type);
  if (!read) {
    const found = type.startsWith('O') ? 'pickled Python objects' : `the type ${printable(text, 120)}`;
    throw bad(file, 'numbers: float16 to float64, integers or bool', found);
  }
  const shape =
    dimensions
      ?.split(',')
      .filter((n) => n.trim() !== '')
      .map(Number) ?? [];
  const [rows = -1, columns = 1] = shape;
  if (fortran === undefined || rows < 0 || shape.length > 2 || columns < 1 || columns > 2) {
    throw bad(file, 'an array of shape (N,), (N, 1) or (N, 2)', `shape (${shape.join(', ')})`);
  }
  if (rows > MAX_ROWS) throw bad(file, `at most ${MAX_ROWS} scores`, `${rows}`);
  // '=' is the order of the machine that wrote it: NumPy itself never writes that.
  return {
    read,
    size: Number(type.slice(1)),
    little: order !== '>',
    fortran: fortran === 'True',
    rows,
    columns,
  };
}

function decode(data: Buffer, { read, size, little, fortran, rows, columns }: Header) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return (column: number): Float64Array => {
    const [first, step] = fortran ? [column * rows, 1] : [column, columns];
    const values = new Float64Array(rows);
    for (let row = 0, at = first * size; row < rows; row++, at += step * size)
      values[row] = read(view, at, little);
    return values;
  };
}

function areProbabilities(first: Float64Array, second: Float64Array): boolean {
  return first.every((p, row) => {
    const q = second[row]!;
    return p >= 0 && p <= 1 && q >= 0 && q <= 1 && Math.abs(p + q - 1) <= SUM_TOLERANCE;
  });
}

/** IEEE 754 half precision: 1 sign bit, 5 of the exponent, 10 of the fraction. */
function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

async function readFully(file: string, handle: FileHandle, into: Buffer, start: number): Promise<void> {
  for (let at = 0; at < into.length; ) {
    const { bytesRead } = await handle.read(into, at, into.length - at, start + at);
    if (bytesRead === 0) throw bad(file, `${into.length} bytes from byte ${start} on`, `${at}`);
    at += bytesRead;
  }
}

function bad(file: string, expected: string, found: string): PcamError {
  return new PcamError('BAD_DATA', `${file} cannot be read as scores: expected ${expected}, found ${found}`, {
    expected,
    found,
    hint: 'save them with numpy.save, one score for each patch in the order of the file',
  });
}
