/**
 * Deflates a filtered patch with Huffman codes alone into one zlib stream (RFC 1950, RFC 1951).
 *
 * Filtered tissue is noise: a search for repeated strings finds next to nothing and takes most of zlib's time, and
 * zlib's bytes depend on its version and on the processor. This takes a quarter of the time of zlib's own
 * Huffman-only strategy and gives the same bytes everywhere.
 */
import { CHANNELS, PATCH_SIZE } from '../../core/index.js';
import { HuffmanBuilder } from './huffman.js';
import { createKernel } from './kernel.js';

const END_OF_BLOCK = 256;
/** Literals, end of block, and behind them the two distance codes of the header. */
const LITERALS = 257;
const HEADER_LENGTHS = LITERALS + 2;
/** Two codes of 12 bits fit into 32 bits beside the 7 that may be waiting; 15 would save 0.1 % of the bytes. */
const MAX_CODE_BITS = 12;
/** In this order the header gives the lengths of the codes for code lengths. */
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** Bytes of the largest patch with its filter types, and of its stream: codes of maximum length, header and checksum. */
const MAX_INPUT = PATCH_SIZE * (PATCH_SIZE * CHANNELS + 1);
const MAX_OUTPUT = Math.ceil((MAX_INPUT * MAX_CODE_BITS) / 8) + 1024;

/** Deflates one patch after the other in the same memory, which is the kernel's. */
export class PatchDeflater {
  readonly kernel = createKernel(MAX_OUTPUT);
  /** The stream is written here. */
  readonly output: Uint8Array;
  readonly #view: DataView;
  readonly #tables: Uint32Array;
  readonly #kernelCodes: Uint32Array;
  readonly #counts = new Uint32Array(LITERALS);
  readonly #lengths = new Uint8Array(HEADER_LENGTHS);
  readonly #codes = new Uint16Array(LITERALS);
  readonly #literals = new HuffmanBuilder(LITERALS, MAX_CODE_BITS);
  /** Code lengths as runs: `extra << 5 | symbol`; 16 repeats the last length, 17 and 18 are zeros. */
  readonly #runs = new Uint16Array(HEADER_LENGTHS);
  readonly #runCounts = new Uint32Array(LENGTH_ORDER.length);
  readonly #runLengths = new Uint8Array(LENGTH_ORDER.length);
  readonly #runCodes = new Uint16Array(LENGTH_ORDER.length);
  readonly #runBuilder = new HuffmanBuilder(LENGTH_ORDER.length, 7);
  /** Where the next byte goes, and the bits that wait for a whole one. */
  #position = 0;
  #held = 0;
  #holding = 0;

  constructor() {
    const { memory, at } = this.kernel;
    this.output = memory.subarray(at.output, at.output + MAX_OUTPUT);
    this.#view = new DataView(memory.buffer, at.output, MAX_OUTPUT);
    this.#tables = new Uint32Array(memory.buffer, at.counts, 4 * END_OF_BLOCK);
    this.#kernelCodes = new Uint32Array(memory.buffer, at.codes, END_OF_BLOCK);
  }

  /**
   * Writes the first `bytes` of the kernel's rows, a multiple of 4, as a zlib stream into the output, from `start` on.
   * @returns where the stream ends
   */
  deflate(bytes: number, start: number): number {
    const { at, count, write } = this.kernel;
    this.#tables.fill(0);
    const adler = count(at.rows, bytes);
    this.#buildCodes();
    this.#position = start;
    this.#held = 0;
    this.#holding = 0;
    this.#put(0x0178, 16); // deflate with a window of 32 KB
    this.#writeHeader();
    const end = write(at.rows, bytes, at.output + this.#position, this.#held, this.#holding);
    this.#position = (end >>> 3) - at.output;
    this.#holding = end & 7;
    this.#held = this.output[this.#position]!;
    this.#put(this.#codes[END_OF_BLOCK]!, this.#lengths[END_OF_BLOCK]!);
    if (this.#holding > 0) this.#put(0, 8 - this.#holding);
    this.#view.setUint32(this.#position, adler >>> 0);
    return this.#position + 4;
  }

  /** Codes of the literals, from the kernel's four tables of counts. */
  #buildCodes(): void {
    const tables = this.#tables;
    for (let value = 0; value < END_OF_BLOCK; value++) {
      let occurrences = 0;
      for (let at = value; at < tables.length; at += END_OF_BLOCK) occurrences += tables[at]!;
      this.#counts[value] = occurrences;
    }
    this.#counts[END_OF_BLOCK] = 1;
    this.#literals.lengths(this.#counts, this.#lengths);
    this.#literals.codes(this.#lengths, LITERALS, this.#codes);
    for (let value = 0; value < END_OF_BLOCK; value++)
      this.#kernelCodes[value] = (this.#codes[value]! << 4) | this.#lengths[value]!;
  }

  /** The block's header: one last block with its own codes (RFC 1951, 3.2.7). */
  #writeHeader(): void {
    // No distance is ever used. Two codes of one bit, as zlib writes them, are a complete code to any reader.
    this.#lengths[LITERALS] = 1;
    this.#lengths[LITERALS + 1] = 1;
    const runs = this.#collectRuns();
    const lengths = this.#runLengths;
    this.#runBuilder.lengths(this.#runCounts, lengths);
    this.#runBuilder.codes(lengths, LENGTH_ORDER.length, this.#runCodes);
    let sent = LENGTH_ORDER.length;
    while (sent > 4 && lengths[LENGTH_ORDER[sent - 1]!] === 0) sent--;
    this.#put(1, 1);
    this.#put(2, 2);
    this.#put(0, 5);
    this.#put(1, 5);
    this.#put(sent - 4, 4);
    for (let i = 0; i < sent; i++) this.#put(lengths[LENGTH_ORDER[i]!]!, 3);
    for (let i = 0; i < runs; i++) {
      const run = this.#runs[i]!;
      const symbol = run & 31;
      this.#put(this.#runCodes[symbol]!, lengths[symbol]!);
      if (symbol >= 16) this.#put(run >>> 5, symbol === 16 ? 2 : symbol === 17 ? 3 : 7);
    }
  }

  /** @returns how many runs there are */
  #collectRuns(): number {
    this.#runCounts.fill(0);
    let runs = 0;
    const add = (symbol: number, extra: number) => {
      this.#runs[runs++] = (extra << 5) | symbol;
      this.#runCounts[symbol]!++;
    };
    for (let i = 0; i < HEADER_LENGTHS; ) {
      const length = this.#lengths[i]!;
      let run = 1;
      while (i + run < HEADER_LENGTHS && this.#lengths[i + run] === length) run++;
      i += run;
      if (length === 0) {
        for (; run >= 11; run -= Math.min(run, 138)) add(18, Math.min(run, 138) - 11);
        if (run >= 3) {
          add(17, run - 3);
          run = 0;
        }
      } else {
        add(length, 0);
        run--;
        for (; run >= 3; run -= Math.min(run, 6)) add(16, Math.min(run, 6) - 3);
      }
      for (; run > 0; run--) add(length, 0);
    }
    return runs;
  }

  /** At most 16 bits at a time. */
  #put(bits: number, length: number): void {
    this.#held |= bits << this.#holding;
    this.#holding += length;
    while (this.#holding >= 8) {
      this.output[this.#position++] = this.#held;
      this.#held >>>= 8;
      this.#holding -= 8;
    }
  }
}
