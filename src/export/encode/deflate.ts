/**
 * Deflates a filtered patch with Huffman codes alone into one zlib stream (RFC 1950, RFC 1951).
 *
 * Filtered tissue is noise: looking for repeated strings finds next to nothing and takes most of zlib's time, and
 * zlib's bytes depend on its version and on the processor. This takes a quarter of the time of zlib's own
 * Huffman-only strategy and gives the same bytes everywhere.
 */
import { CHANNELS, PATCH_SIZE } from '../../core/index.js';
import { HuffmanBuilder } from './huffman.js';
import { createKernel, type Kernel } from './kernel.js';

const END_OF_BLOCK = 256;
/** Literals, end of block, and behind them the two distance codes of the header. */
const LITERALS = 257;
const HEADER_LENGTHS = LITERALS + 2;
/** Two codes of 12 bits fit into 32 bits beside the 7 that may be waiting; 15 would save 0.1 % of the bytes. */
const LONGEST_CODE = 12;
/** In this order the header gives the lengths of the codes for code lengths. */
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/** Adler-32: the largest prime below 2 ** 16, and how many bytes, a multiple of 4, keep its sums in 31 bits. */
const ADLER_MODULUS = 65521;
const ADLER_BYTES = 3848;

/** Bytes of the largest patch with its filter types, and room for them at the longest code, header and tail. */
const LARGEST_INPUT = PATCH_SIZE * (PATCH_SIZE * CHANNELS + 1);
const LARGEST_OUTPUT = Math.ceil((LARGEST_INPUT * LONGEST_CODE) / 8) + 1024;

// The memory belongs to the module, so to the thread: nothing is allocated for a patch, and as nothing here waits,
// no two patches can meet in it.
// Not exported by name: V8 compiles the address of a constant into a loop only when the constant is the module's own,
// which makes encoding a sixth faster.
const KERNEL = createKernel(LARGEST_OUTPUT);
const INPUT = KERNEL
  ? KERNEL.memory.subarray(KERNEL.at.rows, KERNEL.at.rows + LARGEST_INPUT)
  : new Uint8Array(LARGEST_INPUT);
const OUTPUT = KERNEL
  ? KERNEL.memory.subarray(KERNEL.at.output, KERNEL.at.output + LARGEST_OUTPUT)
  : new Uint8Array(LARGEST_OUTPUT);
const OUTPUT_VIEW = new DataView(OUTPUT.buffer, OUTPUT.byteOffset, LARGEST_OUTPUT);
const [KERNEL_COUNTS, KERNEL_CODES] = KERNEL
  ? [
      new Uint32Array(KERNEL.memory.buffer, KERNEL.at.counts, 4 * END_OF_BLOCK),
      new Uint32Array(KERNEL.memory.buffer, KERNEL.at.codes, END_OF_BLOCK),
    ]
  : [new Uint32Array(0), new Uint32Array(0)];

const COUNTS = new Uint32Array(LITERALS);
const ODD_COUNTS = new Uint32Array(LITERALS);
const LENGTHS = new Uint8Array(HEADER_LENGTHS);
const CODES = new Uint16Array(LITERALS);
const RUNS = new Uint16Array(HEADER_LENGTHS);
const RUN_COUNTS = new Uint32Array(LENGTH_ORDER.length);
const RUN_LENGTHS = new Uint8Array(LENGTH_ORDER.length);
const RUN_CODES = new Uint16Array(LENGTH_ORDER.length);
const literalBuilder = new HuffmanBuilder(LITERALS, LONGEST_CODE);
const runBuilder = new HuffmanBuilder(LENGTH_ORDER.length, 7);

/** Where the next byte goes, and the bits that wait for a whole one. */
let position = 0;
let held = 0;
let holding = 0;

/** What `deflate` reads, and what it writes; and the loops over them, where the machine has them. */
export function buffers(): { input: Uint8Array; output: Uint8Array; kernel: Kernel | undefined } {
  return { input: INPUT, output: OUTPUT, kernel: KERNEL };
}

/**
 * Writes the first `bytes` of the input as a zlib stream into the output, from `start` on.
 * @returns where the stream ends
 */
export function deflate(bytes: number, start: number): number {
  const kernel = bytes % 4 === 0 ? KERNEL : undefined;
  const adler = kernel ? countByKernel(kernel, bytes) : countLiterals(bytes);
  literalBuilder.lengths(COUNTS, LENGTHS);
  literalBuilder.codes(LENGTHS, LITERALS, CODES);
  position = start;
  held = 0;
  holding = 0;
  put(0x0178, 16); // deflate with a window of 32 KB
  writeHeader();
  if (kernel) writeByKernel(kernel, bytes);
  else writeLiterals(bytes);
  put(CODES[END_OF_BLOCK]!, LENGTHS[END_OF_BLOCK]!);
  if (holding > 0) put(0, 8 - holding);
  OUTPUT_VIEW.setUint32(position, adler >>> 0);
  return position + 4;
}

function countByKernel({ count, at }: Kernel, bytes: number): number {
  KERNEL_COUNTS.fill(0);
  const adler = count(at.rows, bytes);
  for (let value = 0; value < END_OF_BLOCK; value++) {
    let times = 0;
    for (let table = value; table < KERNEL_COUNTS.length; table += END_OF_BLOCK)
      times += KERNEL_COUNTS[table]!;
    COUNTS[value] = times;
  }
  COUNTS[END_OF_BLOCK] = 1;
  return adler;
}

function writeByKernel({ write, at }: Kernel, bytes: number): void {
  for (let value = 0; value < END_OF_BLOCK; value++)
    KERNEL_CODES[value] = (CODES[value]! << 4) | LENGTHS[value]!;
  const end = write(at.rows, bytes, at.output + position, held, holding);
  position = (end >>> 3) - at.output;
  holding = end & 7;
  held = OUTPUT[position]!;
}

/** Counts the bytes and computes their Adler-32 in one pass, four bytes a step. */
function countLiterals(bytes: number): number {
  COUNTS.fill(0);
  // Two tables: a run of one value would otherwise wait for its own last store.
  ODD_COUNTS.fill(0);
  const whole = bytes - (bytes % 4);
  let low = 1;
  let high = 0;
  let i = 0;
  while (i < whole) {
    const stop = Math.min(whole, i + ADLER_BYTES);
    for (; i < stop; i += 4) {
      const a = INPUT[i]!;
      const b = INPUT[i + 1]!;
      const c = INPUT[i + 2]!;
      const d = INPUT[i + 3]!;
      high = (high + (low << 2) + (a << 2) + b * 3 + (c << 1) + d) | 0;
      low = (low + a + b + c + d) | 0;
      COUNTS[a]!++;
      ODD_COUNTS[b]!++;
      COUNTS[c]!++;
      ODD_COUNTS[d]!++;
    }
    low %= ADLER_MODULUS;
    high %= ADLER_MODULUS;
  }
  for (; i < bytes; i++) {
    const value = INPUT[i]!;
    low = (low + value) % ADLER_MODULUS;
    high = (high + low) % ADLER_MODULUS;
    COUNTS[value]!++;
  }
  for (let value = 0; value < END_OF_BLOCK; value++) COUNTS[value]! += ODD_COUNTS[value]!;
  COUNTS[END_OF_BLOCK] = 1;
  return (high << 16) | low;
}

/** The block's header: one last block with its own codes (RFC 1951, 3.2.7). */
function writeHeader(): void {
  // No distance is ever used. Two codes of one bit, as zlib writes them, are a complete code to any reader.
  LENGTHS[LITERALS] = 1;
  LENGTHS[LITERALS + 1] = 1;
  const runs = collectRuns();
  runBuilder.lengths(RUN_COUNTS, RUN_LENGTHS);
  runBuilder.codes(RUN_LENGTHS, LENGTH_ORDER.length, RUN_CODES);
  let sent = LENGTH_ORDER.length;
  while (sent > 4 && RUN_LENGTHS[LENGTH_ORDER[sent - 1]!] === 0) sent--;
  put(1, 1);
  put(2, 2);
  put(0, 5);
  put(1, 5);
  put(sent - 4, 4);
  for (let i = 0; i < sent; i++) put(RUN_LENGTHS[LENGTH_ORDER[i]!]!, 3);
  for (let i = 0; i < runs; i++) {
    const symbol = RUNS[i]! & 31;
    put(RUN_CODES[symbol]!, RUN_LENGTHS[symbol]!);
    if (symbol >= 16) put(RUNS[i]! >>> 5, symbol === 16 ? 2 : symbol === 17 ? 3 : 7);
  }
}

/** Code lengths as runs: `extra << 5 | symbol`, 16 repeating the last length, 17 and 18 being zeros. */
function collectRuns(): number {
  RUN_COUNTS.fill(0);
  let runs = 0;
  const add = (symbol: number, extra: number) => {
    RUNS[runs++] = (extra << 5) | symbol;
    RUN_COUNTS[symbol]!++;
  };
  for (let i = 0; i < HEADER_LENGTHS; ) {
    const length = LENGTHS[i]!;
    let run = 1;
    while (i + run < HEADER_LENGTHS && LENGTHS[i + run] === length) run++;
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

/** Two literals a step: one store, and no branch that depends on the data. */
function writeLiterals(bytes: number): void {
  const even = bytes - (bytes % 2);
  let at = position;
  let waiting = held;
  let count = holding;
  for (let i = 0; i < even; i += 2) {
    const first = INPUT[i]!;
    const second = INPUT[i + 1]!;
    waiting |= CODES[first]! << count;
    count = (count + LENGTHS[first]!) | 0;
    waiting |= CODES[second]! << count;
    count = (count + LENGTHS[second]!) | 0;
    OUTPUT_VIEW.setInt32(at, waiting, true);
    at = (at + (count >>> 3)) | 0;
    waiting >>>= count & 24;
    count &= 7;
  }
  position = at;
  held = waiting;
  holding = count;
  if (even < bytes) put(CODES[INPUT[even]!]!, LENGTHS[INPUT[even]!]!);
}

/** At most 16 bits at a time. */
function put(bits: number, length: number): void {
  held |= bits << holding;
  holding += length;
  while (holding >= 8) {
    OUTPUT[position++] = held;
    held >>>= 8;
    holding -= 8;
  }
}
