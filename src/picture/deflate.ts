/**
 * Deflate (RFC 1951) in a zlib stream (RFC 1950) for whole pictures, with matches: the same bytes whatever zlib a
 * Node version brings.
 */
import { HuffmanBuilder } from '../export/encode/index.js';
import { BitWriter } from './bits.js';

const WINDOW = 32768;
const HASH_BITS = 15;
const SHORTEST = 3;
const LONGEST = 258;
/** Earlier places that are compared before the longest match so far is taken. */
const TRIES = 24;
/** Literals and matches of one block, which has codes of its own. */
const BLOCK = 1 << 15;

const END = 256;
const LITERALS = 286;
const DISTANCES = 30;
/** In this order a header gives the lengths of the codes for code lengths. */
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const RUN_EXTRA: Record<number, number> = { 16: 2, 17: 3, 18: 7 };

/** Symbol and extra bits of a match's length or distance (RFC 1951, 3.2.5). */
interface Range {
  readonly symbol: number;
  readonly base: number;
  readonly extra: number;
}

const LENGTH_RANGES = lengthRanges();
const DISTANCE_RANGES = distanceRanges();
/** Range of a length, by length. */
const RANGE_OF_LENGTH = Array.from(
  { length: LONGEST + 1 },
  (_, n) => LENGTH_RANGES.findLast(({ base }) => base <= n)!,
);

/** The zlib stream of what arrives in pieces; memory is a window and one block. */
export class Deflater {
  readonly #out = new BitWriter();
  /** The window of what was, and what is being packed. */
  #bytes = new Uint8Array(4 * WINDOW);
  #end = 0;
  #at = 0;
  readonly #heads = new Int32Array(1 << HASH_BITS).fill(-1);
  /** Place before, with the same hash, by place in the window. */
  readonly #before = new Int32Array(WINDOW);
  /** Literals, or `length << 16 | distance`. */
  readonly #tokens = new Uint32Array(BLOCK);
  #count = 0;
  #low = 1;
  #high = 0;

  constructor() {
    this.#out.bits(0x9c78, 16); // deflate with a window of 32 KB
  }

  write(piece: Uint8Array): void {
    this.#checksum(piece);
    for (let from = 0; from < piece.length; ) {
      if (this.#end === this.#bytes.length) this.#slide();
      const n = Math.min(piece.length - from, this.#bytes.length - this.#end);
      this.#bytes.set(piece.subarray(from, from + n), this.#end);
      this.#end += n;
      from += n;
      this.#pack(this.#end - LONGEST);
    }
  }

  finish(): Uint8Array {
    this.#pack(this.#end);
    this.#block(true);
    return this.#out.finish([this.#high >>> 8, this.#high, this.#low >>> 8, this.#low]);
  }

  /** Keeps a window of what was packed, and forgets what lies before. */
  #slide(): void {
    const by = this.#at - WINDOW;
    // Whole windows, so that places in `before` stay where they are.
    const shift = by - (by % WINDOW);
    this.#bytes.copyWithin(0, shift, this.#end);
    this.#at -= shift;
    this.#end -= shift;
    for (const table of [this.#heads, this.#before]) {
      for (let i = 0; i < table.length; i++) table[i] = table[i]! < shift ? -1 : table[i]! - shift;
    }
  }

  /** Packs up to, and without, `until`; a match may reach beyond. */
  #pack(until: number): void {
    while (this.#at < until) {
      const match = this.#match();
      const length = match >>> 16;
      if (length >= SHORTEST) {
        this.#add(match);
        for (const stop = this.#at + length; this.#at < stop; this.#at++) this.#remember();
      } else {
        this.#add(this.#bytes[this.#at]!);
        this.#remember();
        this.#at++;
      }
    }
  }

  #hash(): number {
    const at = this.#at;
    const three = (this.#bytes[at]! << 16) | (this.#bytes[at + 1]! << 8) | this.#bytes[at + 2]!;
    return Math.imul(three, 0x9e3779b1) >>> (32 - HASH_BITS);
  }

  #remember(): void {
    if (this.#at + SHORTEST > this.#end) return;
    const hash = this.#hash();
    this.#before[this.#at % WINDOW] = this.#heads[hash]!;
    this.#heads[hash] = this.#at;
  }

  /** `length << 16 | distance` of the longest earlier copy, or 0. */
  #match(): number {
    const at = this.#at;
    const most = Math.min(LONGEST, this.#end - at);
    if (most < SHORTEST) return 0;
    const bytes = this.#bytes;
    let best = SHORTEST - 1;
    let distance = 0;
    let place = this.#heads[this.#hash()]!;
    for (let tries = TRIES; tries > 0 && place >= 0 && at - place < WINDOW && best < most; tries--) {
      if (bytes[place + best] === bytes[at + best]) {
        let n = 0;
        while (n < most && bytes[place + n] === bytes[at + n]) n++;
        if (n > best) {
          best = n;
          distance = at - place;
        }
      }
      place = this.#before[place % WINDOW]!;
    }
    return distance === 0 ? 0 : (best << 16) | distance;
  }

  #add(token: number): void {
    this.#tokens[this.#count++] = token;
    if (this.#count === BLOCK) this.#block(false);
  }

  #block(last: boolean): void {
    const tokens = this.#tokens.subarray(0, this.#count);
    this.#count = 0;
    const literals = new Uint32Array(LITERALS);
    const distances = new Uint32Array(DISTANCES);
    literals[END] = 1;
    for (const token of tokens) {
      if (token < 256) literals[token]!++;
      else {
        literals[RANGE_OF_LENGTH[token >>> 16]!.symbol]!++;
        distances[rangeOfDistance(token & 0xffff).symbol]!++;
      }
    }
    const literal = code(literals, 15);
    const distance = code(distances, 15);
    this.#out.bits(last ? 1 : 0, 1);
    this.#out.bits(2, 2);
    this.#header([...literal.lengths, ...distance.lengths]);
    for (const token of tokens) {
      if (token < 256) this.#symbol(literal, token);
      else {
        this.#range(literal, RANGE_OF_LENGTH[token >>> 16]!, token >>> 16);
        this.#range(distance, rangeOfDistance(token & 0xffff), token & 0xffff);
      }
    }
    this.#symbol(literal, END);
  }

  /** The lengths of all codes, as runs (RFC 1951, 3.2.7). */
  #header(lengths: readonly number[]): void {
    const runs = runsOf(lengths);
    const counts = new Uint32Array(LENGTH_ORDER.length);
    for (const { symbol } of runs) counts[symbol]!++;
    const run = code(counts, 7);
    const sent = LENGTH_ORDER.findLastIndex((symbol) => run.lengths[symbol]! > 0) + 1;
    this.#out.bits(LITERALS - 257, 5);
    this.#out.bits(DISTANCES - 1, 5);
    this.#out.bits(sent - 4, 4);
    for (const symbol of LENGTH_ORDER.slice(0, sent)) this.#out.bits(run.lengths[symbol]!, 3);
    for (const { symbol, extra } of runs) {
      this.#symbol(run, symbol);
      if (symbol >= 16) this.#out.bits(extra, RUN_EXTRA[symbol]!);
    }
  }

  #symbol({ codes, lengths }: Code, symbol: number): void {
    this.#out.bits(codes[symbol]!, lengths[symbol]!);
  }

  #range(of: Code, { symbol, base, extra }: Range, value: number): void {
    this.#symbol(of, symbol);
    this.#out.bits(value - base, extra);
  }

  /** Adler-32. */
  #checksum(piece: Uint8Array): void {
    // So many bytes keep both sums in 32 bits.
    for (let start = 0; start < piece.length; start += 5552) {
      const stop = Math.min(piece.length, start + 5552);
      for (let i = start; i < stop; i++) {
        this.#low += piece[i]!;
        this.#high += this.#low;
      }
      this.#low %= 65521;
      this.#high %= 65521;
    }
  }
}

interface Code {
  readonly codes: Uint16Array;
  readonly lengths: Uint8Array;
}

function code(counts: Uint32Array, limit: number): Code {
  const lengths = new Uint8Array(counts.length);
  const codes = new Uint16Array(counts.length);
  // A code has two symbols at least; unused ones cost a bit where they take a place.
  for (let symbol = 0, used = counts.filter((n) => n > 0).length; used < 2; symbol++) {
    if (counts[symbol] === 0) {
      counts[symbol] = 1;
      used++;
    }
  }
  const builder = new HuffmanBuilder(counts.length, limit);
  builder.lengths(counts, lengths);
  builder.codes(lengths, counts.length, codes);
  return { codes, lengths };
}

/** Code lengths as runs: 16 repeats the last length, 17 and 18 are zeros. */
function runsOf(lengths: readonly number[]): { symbol: number; extra: number }[] {
  const runs: { symbol: number; extra: number }[] = [];
  for (let i = 0; i < lengths.length; ) {
    const length = lengths[i]!;
    let n = 1;
    while (lengths[i + n] === length) n++;
    i += n;
    if (length > 0) {
      runs.push({ symbol: length, extra: 0 });
      n--;
    }
    const least = 3;
    while (n >= least) {
      const symbol = length > 0 ? 16 : n > 10 ? 18 : 17;
      const [low, most] = { 16: [3, 6], 17: [3, 10], 18: [11, 138] }[symbol] as [number, number];
      const taken = Math.min(n, most);
      runs.push({ symbol, extra: taken - low });
      n -= taken;
    }
    for (; n > 0; n--) runs.push({ symbol: length, extra: 0 });
  }
  return runs;
}

function lengthRanges(): Range[] {
  const ranges: Range[] = [];
  for (let symbol = 257, base = SHORTEST; symbol < 285; symbol++) {
    const extra = symbol < 265 ? 0 : (symbol - 261) >> 2;
    ranges.push({ symbol, base, extra });
    base += 1 << extra;
  }
  return [...ranges, { symbol: 285, base: LONGEST, extra: 0 }];
}

function distanceRanges(): Range[] {
  const ranges: Range[] = [];
  for (let symbol = 0, base = 1; symbol < DISTANCES; symbol++) {
    const extra = symbol < 4 ? 0 : (symbol - 2) >> 1;
    ranges.push({ symbol, base, extra });
    base += 1 << extra;
  }
  return ranges;
}

/** Two symbols for each power of two. */
function rangeOfDistance(distance: number): Range {
  const d = distance - 1;
  if (d < 4) return DISTANCE_RANGES[d]!;
  const power = 31 - Math.clz32(d);
  return DISTANCE_RANGES[2 * power + ((d >>> (power - 1)) & 1)]!;
}
