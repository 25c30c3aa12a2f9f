/**
 * Deflate (RFC 1951) in a zlib stream (RFC 1950) for whole pictures, with matches: the same bytes whatever zlib a
 * Node version brings.
 */
import { BitWriter } from './bits.js';
import { LONGEST, SHORTEST, writeBlock } from './block.js';

const WINDOW = 32768;
const HASH_BITS = 15;
/** Earlier places that are compared before the longest match so far is taken. */
const TRIES = 24;
/** Literals and matches of one block, which has codes of its own. */
const BLOCK = 1 << 15;

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
    writeBlock(this.#out, this.#tokens.subarray(0, this.#count), last);
    this.#count = 0;
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
