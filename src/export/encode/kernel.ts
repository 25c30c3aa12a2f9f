/**
 * The inner loops of the PNG encoder in WebAssembly, assembled here so that no build tool is needed: filters for
 * sixteen bytes at a time, counting, and Huffman codes collected in 64 bits. The tests compare them with a plain
 * JavaScript reference.
 * Opcodes: https://webassembly.github.io/spec/core/appendix/index-instructions.html
 */
import { CHANNELS, PATCH_BYTES, PATCH_SIZE, PcamError } from '../../core/index.js';
import {
  add,
  addSaturated,
  and,
  and32,
  atLeastLanes,
  byteOf,
  type Code,
  constant,
  distance,
  equalLanes,
  extendToI64,
  flatten,
  get,
  I32,
  I64,
  lessLanes,
  lessThan,
  load,
  loadI32,
  loopWhile,
  meanRoundedUp,
  minLanes,
  multiply,
  nameOf,
  or64,
  remainder,
  select,
  set,
  shiftLeft,
  shiftLeft64,
  shiftRight,
  shiftRight64,
  store,
  storeI32,
  subtract,
  subtractLanes,
  V128,
  VOID,
  vector,
  withLength,
  xor,
} from './wasm.js';

/** Bytes of one step of a filter, and of counting and writing. */
const STEP = 16;
const WORD = 4;
const PAGE = 65_536;
const SYMBOLS = 256;
const TABLE_BYTES = SYMBOLS * WORD;
/** Adler-32: its modulus, and after how many bytes it is taken, so that the sums stay below 2 ** 31. */
const ADLER_BYTES = 3848;
const ADLER_MODULUS = 65521;

/** Offsets in the memory. The 64 bytes before the pixels are read as the left neighbours of the first one. */
const AT = (() => {
  const pixels = 64;
  const rows = pixels + PATCH_BYTES;
  const counts = rows + PATCH_SIZE * (PATCH_SIZE * CHANNELS + 1);
  const codes = counts + 4 * TABLE_BYTES;
  return { pixels, rows, counts, codes, output: codes + TABLE_BYTES };
})();

export interface Kernel {
  /** The module's memory, and the offsets of its buffers. */
  readonly memory: Uint8Array;
  readonly at: typeof AT;
  /** Filters the `bytes` of a row at `from`, a multiple of 16, to `to`; the row above lies right before it. */
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

/** Whether a row is a multiple of a filter's step, and all rows with their filter types one of a word. */
export function fitsKernel(side: number): boolean {
  return (side * CHANNELS) % STEP === 0 && (side * (side * CHANNELS + 1)) % WORD === 0;
}

/** The part that is used: the types of Node.js do not declare WebAssembly. */
declare const WebAssembly: {
  Module: new (code: Uint8Array<ArrayBuffer>) => object;
  Instance: new (module: object) => { readonly exports: unknown };
};

/**
 * @param outputBytes room for what `write` writes
 * @throws PcamError INTERNAL where the machine is big-endian, or Node.js has no WebAssembly with SIMD
 */
export function createKernel(outputBytes: number): Kernel {
  // The memory of a module is little-endian everywhere; a JavaScript view of it has the byte order of the machine.
  if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1) throw unsupported('this machine is big-endian');
  try {
    const module = new WebAssembly.Module(assemble(Math.ceil((AT.output + outputBytes) / PAGE)));
    const { memory, ...loops } = new WebAssembly.Instance(module).exports as Omit<Kernel, 'memory' | 'at'> & {
      memory: { readonly buffer: ArrayBuffer };
    };
    return { ...loops, memory: new Uint8Array(memory.buffer), at: AT };
  } catch (cause) {
    throw unsupported('WebAssembly with SIMD is not available', cause);
  }
}

function unsupported(reason: string, cause?: unknown): PcamError {
  return new PcamError('INTERNAL', `cannot encode PNG files here: ${reason}`, {
    cause,
    hint: 'run Node.js without --jitless, on a processor with SSE4.1 or NEON; the format raw needs no encoder',
  });
}

// Locals: three parameters, two more addresses, and vectors.
const [FROM, TO, BYTES, END, ABOVE, INSIDE, LEFT, UP, CORNER, TO_LEFT, TO_UP] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
];
const LOCALS: Code = [2, 2, I32, 6, V128];

const ONES = Array.from({ length: STEP }, () => 255);
/** The left neighbours of the first pixel count as 0. */
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
    [0x03, VOID], // loop
    set(LEFT, before(get(FROM))),
    prepare,
    store(get(TO), subtractLanes(load(get(FROM)), predicted)),
    set(INSIDE, vector(ONES)),
    [FROM, TO, ABOVE].map(forward),
    [get(FROM), get(END), 0x49, 0x0d, 0], // repeat while FROM < END
    [0x0b, 0x0b],
  ];
  return withLength(body);
}

const up = set(UP, load(get(ABOVE)));

/** Rounded down, where the instruction rounds up. */
const mean = subtractLanes(
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
const toCorner = select(
  equalLanes(atLeastLanes(get(UP), get(CORNER)), atLeastLanes(get(LEFT), get(CORNER))),
  addSaturated(get(TO_LEFT), get(TO_UP)),
  distance(get(TO_LEFT), get(TO_UP)),
);

const nearest = select(
  lessLanes(toCorner, minLanes(get(TO_LEFT), get(TO_UP))),
  get(CORNER),
  select(lessLanes(get(TO_UP), get(TO_LEFT)), get(UP), get(LEFT)),
);

const PLACES = [0, 1, 2, 3];

/** Counts bytes, and computes Adler-32. Four tables: in one, a run of one value would wait for its own last store. */
function counting(): Code {
  const [from, bytes, end, stop, four, low, high, a, b, c, d] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10] as const;
  const values = [a, b, c, d];
  const sum = values.map(get).reduce((one, other) => add(one, other));
  const weighted = values
    .map((value, i) => multiply(get(value), constant(WORD - i)))
    .reduce((one, other) => add(one, other));
  return withLength([
    [1, 9, I32],
    set(end, add(get(from), get(bytes))),
    set(low, constant(1)),
    [0x03, VOID],
    set(stop, add(get(from), constant(ADLER_BYTES))),
    set(stop, [get(stop), get(end), lessThan(get(stop), get(end)), 0x1b]), // the lower of both
    [0x03, VOID],
    set(four, loadI32(get(from))),
    values.map((value, place) => [
      set(value, byteOf(four, place)),
      storeI32(
        shiftLeft(get(value), constant(2)),
        AT.counts + place * TABLE_BYTES,
        add(loadI32(shiftLeft(get(value), constant(2)), AT.counts + place * TABLE_BYTES), constant(1)),
      ),
    ]),
    set(high, add(add(get(high), shiftLeft(get(low), constant(2))), weighted)),
    set(low, add(get(low), sum)),
    set(from, add(get(from), constant(WORD))),
    loopWhile(lessThan(get(from), get(stop))),
    set(low, remainder(get(low), constant(ADLER_MODULUS))),
    set(high, remainder(get(high), constant(ADLER_MODULUS))),
    loopWhile(lessThan(get(from), get(end))),
    add(shiftLeft(get(high), constant(16)), get(low)),
    0x0b,
  ]);
}

/** Four codes of at most 12 bits and the 7 that may be waiting fit into 64. */
function writing(): Code {
  const [from, bytes, to, held, count, end, four, code, waiting] = [0, 1, 2, 3, 4, 5, 6, 7, 8] as const;
  return withLength([
    [2, 3, I32, 1, I64],
    set(end, add(get(from), get(bytes))),
    set(waiting, extendToI64(get(held))),
    [0x03, VOID],
    set(four, loadI32(get(from))),
    PLACES.map((place) => [
      set(code, loadI32(shiftLeft(byteOf(four, place), constant(2)), AT.codes)),
      set(
        waiting,
        or64(
          get(waiting),
          shiftLeft64(extendToI64(shiftRight(get(code), constant(4))), extendToI64(get(count))),
        ),
      ),
      set(count, add(get(count), and32(get(code), constant(15)))),
    ]),
    [get(to), get(waiting), 0x37, 0, 0], // store all 64
    set(to, add(get(to), shiftRight(get(count), constant(3)))),
    set(waiting, shiftRight64(get(waiting), extendToI64(and32(get(count), constant(56))))),
    set(count, and32(get(count), constant(7))),
    set(from, add(get(from), constant(WORD))),
    loopWhile(lessThan(get(from), get(end))),
    add(shiftLeft(get(to), constant(3)), get(count)),
    0x0b,
  ]);
}

function assemble(pages: number): Uint8Array<ArrayBuffer> {
  const names = ['sub', 'average', 'paeth', 'count', 'write'];
  const exported = [...names.map((name, i) => [nameOf(name), 0x00, i]), [nameOf('memory'), 0x02, 0]];
  const loops = [filter([], get(LEFT)), filter(up, mean), filter(distances, nearest), counting(), writing()];
  const types: Code = [
    [0x60, 3, I32, I32, I32, 0],
    [0x60, 2, I32, I32, 1, I32],
    [0x60, 5, I32, I32, I32, I32, I32, 1, I32],
  ];
  const module: Code = [
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    [1, withLength([types.length, types])],
    [3, withLength([names.length, 0, 0, 0, 1, 2])],
    [5, withLength([1, 0x00, pages])],
    [7, withLength([exported.length, exported])],
    [10, withLength([loops.length, loops])],
  ];
  return Uint8Array.from(flatten(module));
}
