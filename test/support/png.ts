/** Reads a PNG of 8-bit RGB by the specification, in the plainest way: the other side of the writer's tests. */
import { crc32, inflateSync } from 'node:zlib';

export interface DecodedPng {
  width: number;
  height: number;
  /** uint8, shape (height, width, 3). */
  pixels: Uint8Array;
}

export interface PngChunk {
  type: string;
  body: Buffer;
}

/** The chunks of a file, their checksums compared. */
export function chunksOf(file: Uint8Array): PngChunk[] {
  const data = Buffer.from(file);
  if (data.toString('latin1', 0, 8) !== '\x89PNG\r\n\x1a\n') throw new Error('no PNG');
  const chunks: PngChunk[] = [];
  for (let at = 8; at < data.length; ) {
    const bytes = data.readUInt32BE(at);
    const type = data.toString('latin1', at + 4, at + 8);
    const body = data.subarray(at + 8, at + 8 + bytes);
    const crc = data.readUInt32BE(at + 8 + bytes);
    if (crc !== crc32(data.subarray(at + 4, at + 8 + bytes))) throw new Error(`wrong CRC of ${type}`);
    chunks.push({ type, body });
    at += 12 + bytes;
  }
  return chunks;
}

export function decodePng(file: Uint8Array): DecodedPng {
  const chunks = chunksOf(file);
  if (chunks.map(({ type }) => type).join() !== 'IHDR,IDAT,IEND') throw new Error('other chunks');
  const header = chunks[0]!.body;
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  if (header.subarray(8).toString('hex') !== '0802000000') throw new Error('not 8-bit RGB');
  return { width, height, pixels: unfilter(inflateSync(chunks[1]!.body), width, height) };
}

function unfilter(filtered: Uint8Array, width: number, height: number): Uint8Array {
  const row = width * 3;
  if (filtered.length !== height * (row + 1)) throw new Error('wrong number of bytes');
  const pixels = new Uint8Array(height * row);
  const at = (y: number, x: number) => (y < 0 || x < 0 ? 0 : pixels[y * row + x]!);
  for (let y = 0; y < height; y++) {
    const filter = filtered[y * (row + 1)]!;
    for (let x = 0; x < row; x++) {
      pixels[y * row + x] = filtered[y * (row + 1) + 1 + x]! + predict(filter, at, y, x);
    }
  }
  return pixels;
}

/** Rows with their filter types, byte by byte: the reference for the encoder's WebAssembly. */
export function filterRows(pixels: Uint8Array, width: number, types: readonly number[]): Uint8Array {
  const row = width * 3;
  const filtered = new Uint8Array(types.length * (row + 1));
  const at = (y: number, x: number) => (y < 0 || x < 0 ? 0 : pixels[y * row + x]!);
  for (const [y, type] of types.entries()) {
    filtered[y * (row + 1)] = type;
    for (let x = 0; x < row; x++) {
      filtered[y * (row + 1) + 1 + x] = pixels[y * row + x]! - predict(type, at, y, x);
    }
  }
  return filtered;
}

function predict(type: number, at: (y: number, x: number) => number, y: number, x: number): number {
  const [left, up, corner] = [at(y, x - 3), at(y - 1, x), x < 3 ? 0 : at(y - 1, x - 3)];
  return [0, left, up, (left + up) >> 1, paeth(left, up, corner)][type]!;
}

function paeth(a: number, b: number, c: number): number {
  const p = a + b - c;
  const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];
  if (pa <= pb && pa <= pc) return a;
  return pb <= pc ? b : c;
}
