/** A hash table of digests that threads share without locks: it distinguishes the first of equal patches from its copies. */
import { SHA1_BYTES } from './types.js';

/** Bytes of a table for some patches: at most half full, so that chains stay short. */
export function tableBytes(count: number): number {
  let slots = 16;
  while (slots < 2 * count) slots *= 2;
  return slots * Int32Array.BYTES_PER_ELEMENT;
}

export class DigestTable {
  /** 0, or the number of a patch, counted from 1. */
  readonly #slots: Int32Array;
  readonly #sha1: Uint8Array;
  readonly #mask: number;

  /**
   * @param options.sha1 the digests by patch
   * @param options.table the memory of the slots, default memory for `count` patches that no other thread sees
   */
  constructor({
    count = 0,
    table = new SharedArrayBuffer(tableBytes(count)),
    sha1,
  }: { count?: number; table?: SharedArrayBuffer; sha1: Uint8Array }) {
    this.#slots = new Int32Array(table);
    this.#sha1 = sha1;
    this.#mask = this.#slots.length - 1;
  }

  /**
   * Enters a patch whose digest is in place. Entered in their order, equal patches lead to the first of them.
   * @returns the patch with the same digest that came before it, or its own number
   */
  enter(patch: number): number {
    const digest = this.#sha1;
    const at = patch * SHA1_BYTES;
    let slot =
      (digest[at]! | (digest[at + 1]! << 8) | (digest[at + 2]! << 16) | (digest[at + 3]! << 24)) & this.#mask;
    for (;;) {
      // A digest is written before its number: a thread that sees the number sees the digest.
      const held = Atomics.compareExchange(this.#slots, slot, 0, patch + 1);
      if (held === 0) return patch;
      if (this.#same(held - 1, patch)) return held - 1;
      slot = (slot + 1) & this.#mask;
    }
  }

  #same(one: number, other: number): boolean {
    const [a, b] = [one * SHA1_BYTES, other * SHA1_BYTES];
    for (let i = 0; i < SHA1_BYTES; i++) if (this.#sha1[a + i] !== this.#sha1[b + i]) return false;
    return true;
  }
}
