/** A small WebAssembly assembler: each instruction is a function that gives its bytes. */

export type Code = readonly (number | Code)[];

export const I32 = 0x7f;
export const I64 = 0x7e;
export const V128 = 0x7b;
export const VOID = 0x40;
const simd = (opcode: number): Code => [0xfd, opcode];
export const get = (local: number): Code => [0x20, local];
export const set = (local: number, value: Code): Code => [value, 0x21, local];
export const constant = (value: number): Code => [0x41, signed(value)];
export const add = (one: Code, other: Code): Code => [one, other, 0x6a];
export const subtract = (one: Code, other: Code): Code => [one, other, 0x6b];
export const load = (address: Code): Code => [address, simd(0x00), 0, 0];
export const store = (address: Code, value: Code): Code => [address, value, simd(0x0b), 0, 0];
export const vector = (bytes: readonly number[]): Code => [simd(0x0c), bytes];
/** An operation on two vectors, lane by lane. */
const lanes =
  (opcode: number) =>
  (one: Code, other: Code): Code => [one, other, simd(opcode)];
export const [equalLanes, lessLanes, atLeastLanes] = [lanes(0x23), lanes(0x26), lanes(0x2c)];
export const [and, xor, addSaturated, subtractLanes] = [lanes(0x4e), lanes(0x51), lanes(0x70), lanes(0x71)];
export const [minLanes, maxLanes, meanRoundedUp] = [lanes(0x77), lanes(0x79), lanes(0x7b)];
export const distance = (one: Code, other: Code): Code =>
  subtractLanes(maxLanes(one, other), minLanes(one, other));
export const select = (mask: Code, yes: Code, no: Code): Code => [yes, no, mask, simd(0x52)];

const op =
  (opcode: number) =>
  (one: Code, other: Code): Code => [one, other, opcode];
export const [lessThan, remainder, multiply, and32, shiftLeft, shiftRight] = [
  0x49, 0x70, 0x6c, 0x71, 0x74, 0x76,
].map(op) as [Op, Op, Op, Op, Op, Op];
export const [or64, shiftLeft64, shiftRight64] = [0x84, 0x86, 0x88].map(op) as [Op, Op, Op];
type Op = (one: Code, other: Code) => Code;
export const loadI32 = (address: Code, offset = 0): Code => [address, 0x28, 2, unsigned(offset)];
export const storeI32 = (address: Code, offset: number, value: Code): Code => [
  address,
  value,
  0x36,
  2,
  unsigned(offset),
];
export const extendToI64 = (value: Code): Code => [value, 0xad];
export const loopWhile = (condition: Code): Code => [condition, 0x0d, 0, 0x0b];
/** Byte `place` of a word, 0 being the lowest. */
export const byteOf = (local: number, place: number): Code =>
  place === 3
    ? shiftRight(get(local), constant(24))
    : and32(place === 0 ? get(local) : shiftRight(get(local), constant(8 * place)), constant(255));
export function flatten(code: Code): number[] {
  return code.flatMap((part) => (typeof part === 'number' ? [part] : flatten(part)));
}

/** Code behind its length in bytes. */
export function withLength(code: Code): Code {
  return [unsigned(flatten(code).length), code];
}

/** Numbers in LEB128. */
function unsigned(value: number): Code {
  return value < 128 ? [value] : [(value & 127) | 128, unsigned(value >>> 7)];
}

function signed(value: number): Code {
  return value < 64 ? [value] : [(value & 127) | 128, signed(value >>> 7)];
}

export function nameOf(name: string): Code {
  return withLength([...Buffer.from(name)]);
}
