/** Bits into bytes, the first bit lowest, as deflate wants them; the memory grows. */
export class BitWriter {
  #bytes = new Uint8Array(1 << 16);
  #length = 0;
  #held = 0;
  #holding = 0;

  /** @param length at most 16 */
  bits(value: number, length: number): void {
    this.#held |= value << this.#holding;
    this.#holding += length;
    while (this.#holding >= 8) {
      this.#byte(this.#held);
      this.#held >>>= 8;
      this.#holding -= 8;
    }
  }

  /** Fills up the last byte, adds `tail`, and gives all of it. */
  finish(tail: readonly number[]): Uint8Array {
    if (this.#holding > 0) this.bits(0, 8 - this.#holding);
    for (const value of tail) this.#byte(value);
    return this.#bytes.subarray(0, this.#length);
  }

  #byte(value: number): void {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#length);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.#length++] = value;
  }
}
