/**
 * The inner loops of the PNG encoder in WebAssembly, put together here so that they need no tool to build: filters for
 * sixteen bytes at a time, counting, and Huffman codes collected in 64 bits. png.ts and deflate.ts say the same in
 * JavaScript, byte by byte, and do the work where WebAssembly or its SIMD is not there.
 * Opcodes: https://webassembly.github.io/spec/core/appendix/index-instructions.html
 */
import { CHANNELS, PATCH_BYTES, PATCH_SIZE } from '../../core/index.js';
import {
  add,
  again,
  and,
  both,
  byteOf,
  type Code,
  choose,
  constant,
  distance,
  either64,
  flat,
  get,
  I32,
  I64,
  isAtLeast,
  isEqual,
  isLess,
  least,
  leftBy,
  leftBy64,
  load,
  lower,
  meanRoundedUp,
  minus,
  NOTHING,
  plusSaturated,
  remainder,
  rightBy,
  rightBy64,
  set,
  sized,
  store,
  storeWord,
  subtract,
  text,
  times,
  V128,
  vector,
  wide,
  word,
  xor,
} from './wasm.js';

/** Bytes of one step of a filter, and of counting and writing. */
const STEP = 16;
const WORD = 4;
const PAGE = 65_536;
const SYMBOLS = 256;
const TABLE_BYTES = SYMBOLS * WORD;
/** How many bytes keep the sums of Adler-32 in 31 bits, and its modulus. */
const ADLER_BYTES = 3848;
const ADLER_MODULUS = 65521;

/** Where things are in the memory: what is left of the first pixel is there, too. */
const AT = (() => {
  const pixels = 64;
  const rows = pixels + PATCH_BYTES;
  const counts = rows + PATCH_SIZE * (PATCH_SIZE * CHANNELS + 1);
  const codes = counts + 4 * TABLE_BYTES;
  return { pixels, rows, counts, codes, output: codes + TABLE_BYTES };
})();

export interface Kernel {
  /** The module's memory: shape (…) uint8, and what is where in it. */
  readonly memory: Uint8Array;
  readonly at: typeof AT;
  /** Each filters `bytes` at `from`, a multiple of 16, to `to`; the row above lies just before. */
  sub(from: number, to: number, bytes: number): void;
  average(from: number, to: number, bytes: number): void;
  paeth(from: number, to: number, bytes: number): void;
  /** Counts the bytes at `from`, a multiple of 4 of them, in four tables. @returns their Adler-32 */
  count(from: number, bytes: number): number;
  /**
   * Writes the codes of the bytes at `from`, a multiple of 4 of them, to `to`, behind `holding` bits in `held`.
   * @returns where the next byte goes, shifted left by 3, and how many bits wait there
   */
  write(from: number, bytes: number, to: number, held: number, holding: number): number;
}

/** Whether rows, and all of them with their filter types, fit the steps. */
export function fitsKernel(side: number): boolean {
  return (side * CHANNELS) % STEP === 0 && (side * (side * CHANNELS + 1)) % WORD === 0;
}

/** The little of it that is needed; the types of Node.js leave it to those of browsers. */
declare const WebAssembly: {
  Module: new (code: Uint8Array<ArrayBuffer>) => object;
  Instance: new (module: object) => { readonly exports: unknown };
};

/**
 * @param outputBytes room for what `write` writes
 * @returns undefined where WebAssembly or its SIMD is not there, or the machine is big-endian
 */
export function createKernel(outputBytes: number): Kernel | undefined {
  // The memory of a module is little-endian everywhere; what JavaScript sees of it is not.
  if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1) return undefined;
  try {
    const module = new WebAssembly.Module(assemble(Math.ceil((AT.output + outputBytes) / PAGE)));
    const { memory, ...loops } = new WebAssembly.Instance(module).exports as Omit<Kernel, 'memory' | 'at'> & {
      memory: { readonly buffer: ArrayBuffer };
    };
    return { ...loops, memory: new Uint8Array(memory.buffer), at: AT };
  } catch {
    return undefined;
  }
}

// Locals: three parameters, two more addresses, and vectors.
const [FROM, TO, BYTES, END, ABOVE, INSIDE, LEFT, UP, CORNER, TO_LEFT, TO_UP] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
];
const LOCALS: Code = [2, 2, I32, 6, V128];

const ONES = Array.from({ length: STEP }, () => 255);
/** What is left of the first pixel counts as 0. */
const FIRST = ONES.map((one, i) => (i < CHANNELS ? 0 : one));
const before = (address: Code): Code => and(load(subtract(address, constant(CHANNELS))), get(INSIDE));
const forward = (local: number): Code => set(local, add(get(local), constant(STEP)));

/** One filter: `prepare` sets what `predicted` needs. */
function filter(prepare: Code, predicted: Code): Code {
  const body: Code = [
    LOCALS,
    set(END, add(get(FROM), get(BYTES))),
    set(ABOVE, subtract(get(FROM), get(BYTES))),
    set(INSIDE, vector(FIRST)),
    [0x03, NOTHING], // loop
    set(LEFT, before(get(FROM))),
    prepare,
    store(get(TO), minus(load(get(FROM)), predicted)),
    set(INSIDE, vector(ONES)),
    [FROM, TO, ABOVE].map(forward),
    [get(FROM), get(END), 0x49, 0x0d, 0], // again, if FROM < END
    [0x0b, 0x0b],
  ];
  return sized(body);
}

const up = set(UP, load(get(ABOVE)));

/** Rounded down, where the instruction rounds up. */
const mean = minus(
  meanRoundedUp(get(LEFT), get(UP)),
  and(xor(get(LEFT), get(UP)), vector(ONES.map(() => 1))),
);

const distances: Code = [
  up,
  set(CORNER, before(get(ABOVE))),
  set(TO_LEFT, distance(get(UP), get(CORNER))),
  set(TO_UP, distance(get(LEFT), get(CORNER))),
];

/** The differences add up where both have the same sign; more than 255 is never the nearest. */
const toCorner = choose(
  isEqual(isAtLeast(get(UP), get(CORNER)), isAtLeast(get(LEFT), get(CORNER))),
  plusSaturated(get(TO_LEFT), get(TO_UP)),
  distance(get(TO_LEFT), get(TO_UP)),
);

const nearest = choose(
  isLess(toCorner, least(get(TO_LEFT), get(TO_UP))),
  get(CORNER),
  choose(isLess(get(TO_UP), get(TO_LEFT)), get(UP), get(LEFT)),
);

const PLACES = [0, 1, 2, 3];

/** Counts in four tables, as a run of one value would wait for its own last store in one; Adler-32 on the way. */
function counting(): Code {
  const [from, bytes, end, stop, four, low, high, a, b, c, d] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10] as const;
  const values = [a, b, c, d];
  const sum = values.map(get).reduce((one, other) => add(one, other));
  const weighted = values
    .map((value, i) => times(get(value), constant(WORD - i)))
    .reduce((one, other) => add(one, other));
  return sized([
    [1, 9, I32],
    set(end, add(get(from), get(bytes))),
    set(low, constant(1)),
    [0x03, NOTHING],
    set(stop, add(get(from), constant(ADLER_BYTES))),
    set(stop, [get(stop), get(end), lower(get(stop), get(end)), 0x1b]), // the lower of both
    [0x03, NOTHING],
    set(four, word(get(from))),
    values.map((value, place) => [
      set(value, byteOf(four, place)),
      storeWord(
        leftBy(get(value), constant(2)),
        AT.counts + place * TABLE_BYTES,
        add(word(leftBy(get(value), constant(2)), AT.counts + place * TABLE_BYTES), constant(1)),
      ),
    ]),
    set(high, add(add(get(high), leftBy(get(low), constant(2))), weighted)),
    set(low, add(get(low), sum)),
    set(from, add(get(from), constant(WORD))),
    again(lower(get(from), get(stop))),
    set(low, remainder(get(low), constant(ADLER_MODULUS))),
    set(high, remainder(get(high), constant(ADLER_MODULUS))),
    again(lower(get(from), get(end))),
    add(leftBy(get(high), constant(16)), get(low)),
    0x0b,
  ]);
}

/** Four codes of at most 12 bits and the 7 that may be waiting fit into 64. */
function writing(): Code {
  const [from, bytes, to, held, count, end, four, code, waiting] = [0, 1, 2, 3, 4, 5, 6, 7, 8] as const;
  return sized([
    [2, 3, I32, 1, I64],
    set(end, add(get(from), get(bytes))),
    set(waiting, wide(get(held))),
    [0x03, NOTHING],
    set(four, word(get(from))),
    PLACES.map((place) => [
      set(code, word(leftBy(byteOf(four, place), constant(2)), AT.codes)),
      set(waiting, either64(get(waiting), leftBy64(wide(rightBy(get(code), constant(4))), wide(get(count))))),
      set(count, add(get(count), both(get(code), constant(15)))),
    ]),
    [get(to), get(waiting), 0x37, 0, 0], // store all 64
    set(to, add(get(to), rightBy(get(count), constant(3)))),
    set(waiting, rightBy64(get(waiting), wide(both(get(count), constant(56))))),
    set(count, both(get(count), constant(7))),
    set(from, add(get(from), constant(WORD))),
    again(lower(get(from), get(end))),
    add(leftBy(get(to), constant(3)), get(count)),
    0x0b,
  ]);
}

function assemble(pages: number): Uint8Array<ArrayBuffer> {
  const names = ['sub', 'average', 'paeth', 'count', 'write'];
  const exported = [...names.map((name, i) => [text(name), 0x00, i]), [text('memory'), 0x02, 0]];
  const loops = [filter([], get(LEFT)), filter(up, mean), filter(distances, nearest), counting(), writing()];
  const types: Code = [
    [0x60, 3, I32, I32, I32, 0],
    [0x60, 2, I32, I32, 1, I32],
    [0x60, 5, I32, I32, I32, I32, I32, 1, I32],
  ];
  const module: Code = [
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    [1, sized([types.length, types])],
    [3, sized([names.length, 0, 0, 0, 1, 2])],
    [5, sized([1, 0x00, pages])],
    [7, sized([exported.length, exported])],
    [10, sized([loops.length, loops])],
  ];
  return Uint8Array.from(flat(module));
}
