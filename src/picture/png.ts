/** PNG files (third edition) of whole pictures: RGB with filters, or indexed with few colours. */
import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { throwIfAborted } from '../core/index.js';
import { Deflater } from './deflate.js';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const RGB = 2;
const INDEXED = 3;
/** Bytes that are packed before other work has its turn: some 30 ms. */
const TURN = 1 << 20;

export interface RgbPicture {
  readonly width: number;
  readonly height: number;
  /** uint8, shape (height, width, 3), C order. */
  readonly pixels: Uint8Array;
}

/**
 * Encodes a picture, each of its pixels as `scale` x `scale` pixels of the file.
 * The same picture gives the same bytes on every machine.
 * @throws PcamError ABORTED
 */
export async function encodeRgb(
  { width, height, pixels }: RgbPicture,
  { scale = 1, signal }: { scale?: number; signal?: AbortSignal } = {},
): Promise<Buffer> {
  const bytes = width * scale * 3;
  const deflater = new Deflater();
  const filters = new Filters(bytes);
  const row = new Uint8Array(bytes);
  const repeated = new Uint8Array(bytes + 1);
  repeated[0] = 2; // Up: the difference to the row above, which is none
  for (let y = 0, packed = 0; y < height; y++) {
    packed += bytes * scale;
    if (packed >= TURN) {
      packed = 0;
      // A large sheet takes many seconds, and signals are handled here.
      await setImmediate();
      throwIfAborted(signal);
    }
    const source = pixels.subarray(y * width * 3, (y + 1) * width * 3);
    for (let x = 0, to = 0; x < width * scale; x++, to += 3) {
      const from = Math.floor(x / scale) * 3;
      for (let i = 0; i < 3; i++) row[to + i] = source[from + i]!;
    }
    deflater.write(filters.next(row));
    for (let i = 1; i < scale; i++) deflater.write(repeated);
  }
  return file(
    header({ width: width * scale, height: height * scale, depth: 8, type: RGB }),
    [],
    deflater.finish(),
  );
}

export interface IndexedPicture {
  readonly width: number;
  readonly height: number;
  /** Numbers of colours, shape (height, width), C order. */
  readonly indices: Uint8Array;
  /** At most four colours: red, green, blue, opacity. */
  readonly palette: readonly (readonly [number, number, number, number])[];
}

/** Encodes a picture of at most four colours, two bits a pixel. */
export function encodeIndexed({ width, height, indices, palette }: IndexedPicture): Buffer {
  const deflater = new Deflater();
  const row = new Uint8Array(1 + Math.ceil(width / 4));
  for (let y = 0; y < height; y++) {
    row.fill(0);
    for (let x = 0; x < width; x++) row[1 + (x >> 2)]! |= indices[y * width + x]! << (6 - 2 * (x & 3));
    deflater.write(row);
  }
  const colours = chunk('PLTE', Buffer.from(palette.flatMap((colour) => colour.slice(0, 3))));
  const opacity = chunk('tRNS', Buffer.from(palette.map((colour) => colour[3])));
  return file(header({ width, height, depth: 2, type: INDEXED }), [colours, opacity], deflater.finish());
}

function header({
  width,
  height,
  depth,
  type,
}: {
  width: number;
  height: number;
  depth: number;
  type: number;
}): Buffer {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(width, 0);
  data.writeUInt32BE(height, 4);
  data.set([depth, type, 0, 0, 0], 8);
  return chunk('IHDR', data);
}

function file(head: Buffer, between: readonly Buffer[], data: Uint8Array): Buffer {
  return Buffer.concat([SIGNATURE, head, ...between, chunk('IDAT', data), chunk('IEND', new Uint8Array())]);
}

function chunk(type: string, data: Uint8Array): Buffer {
  const bytes = Buffer.alloc(data.length + 12);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, 'latin1');
  bytes.set(data, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, data.length + 8)), data.length + 8);
  return bytes;
}

/** Chooses for each row the filter whose differences are smallest in sum, as the specification advises (12.8). */
class Filters {
  readonly #above: Uint8Array;
  readonly #rows: Uint8Array[];

  constructor(bytes: number) {
    this.#above = new Uint8Array(bytes);
    this.#rows = [1, 2, 4].map((filter) => {
      const row = new Uint8Array(bytes + 1);
      row[0] = filter;
      return row;
    });
  }

  next(row: Uint8Array): Uint8Array {
    const [sub, up, paeth] = this.#rows as [Uint8Array, Uint8Array, Uint8Array];
    const above = this.#above;
    for (let i = 0; i < row.length; i++) {
      const value = row[i]!;
      const left = i < 3 ? 0 : row[i - 3]!;
      const corner = i < 3 ? 0 : above[i - 3]!;
      sub[i + 1] = value - left;
      up[i + 1] = value - above[i]!;
      paeth[i + 1] = value - nearest(left, above[i]!, corner);
    }
    above.set(row);
    let best = sub;
    let least = Number.POSITIVE_INFINITY;
    for (const candidate of this.#rows) {
      const sum = weight(candidate);
      if (sum < least) [best, least] = [candidate, sum];
    }
    return best;
  }
}

/** Paeth: whichever of left, above and corner is nearest to left + above - corner. */
function nearest(left: number, above: number, corner: number): number {
  const toLeft = Math.abs(above - corner);
  const toAbove = Math.abs(left - corner);
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

function weight(row: Uint8Array): number {
  let sum = 0;
  for (let i = 1; i < row.length; i++) sum += row[i]! < 128 ? row[i]! : 256 - row[i]!;
  return sum;
}
