/** A block of a deflate stream with codes of its own (RFC 1951, 3.2.7), from literals and matches. */
import { HuffmanBuilder } from '../export/encode/index.js';
import type { BitWriter } from './bits.js';

/** Lengths of matches. */
export const SHORTEST = 3;
export const LONGEST = 258;

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

/** @param tokens literals, or `length << 16 | distance` */
export function writeBlock(out: BitWriter, tokens: Uint32Array, last: boolean): void {
  new BlockWriter(out).block(tokens, last);
}

class BlockWriter {
  readonly #out: BitWriter;

  constructor(out: BitWriter) {
    this.#out = out;
  }

  /** Literals and matches in codes made for them. */
  block(tokens: Uint32Array, last: boolean): void {
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

  #symbol({ codes, lengths }: PrefixCode, symbol: number): void {
    this.#out.bits(codes[symbol]!, lengths[symbol]!);
  }

  #range(of: PrefixCode, { symbol, base, extra }: Range, value: number): void {
    this.#symbol(of, symbol);
    this.#out.bits(value - base, extra);
  }
}

interface PrefixCode {
  readonly codes: Uint16Array;
  readonly lengths: Uint8Array;
}

function code(counts: Uint32Array, limit: number): PrefixCode {
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
