/** Counts the values of each channel, fast and exactly. */
import { CHANNELS, PATCH_BYTES } from '../core/index.js';
import { LEVELS } from './types.js';

const PAIRS = LEVELS * LEVELS;
const WORDS = PATCH_BYTES / 4;
/** A pair can occur 13,824 times in a patch, and a counter has 32 bits. */
const MAX_PATCHES = 200_000;

/** Tables of pairs: red and green, blue and red, green and blue. They follow each other in this order, twice in 12 bytes. */
const [RG, BR, GB] = [0, PAIRS, 2 * PAIRS] as const;

/** Counts two bytes in one step, which takes two thirds of the time that single bytes take. */
export class PairCounter {
  readonly #pairs = new Uint32Array(CHANNELS * PAIRS);
  /** Shape (3, 256). */
  readonly #histogram = new Float64Array(CHANNELS * LEVELS);
  #patches = 0;

  /** @param from where the patch begins in `words`, which holds its bytes four by four, little-endian */
  add(words: Uint32Array, from: number): void {
    const pairs = this.#pairs;
    for (let i = from, end = from + WORDS; i < end; i += 3) {
      const one = words[i]!;
      const two = words[i + 1]!;
      const three = words[i + 2]!;
      pairs[RG + (one & 0xffff)]!++;
      pairs[BR + (one >>> 16)]!++;
      pairs[GB + (two & 0xffff)]!++;
      pairs[RG + (two >>> 16)]!++;
      pairs[BR + (three & 0xffff)]!++;
      pairs[GB + (three >>> 16)]!++;
    }
    if (++this.#patches === MAX_PATCHES) this.#fold();
  }

  /** What was counted so far: shape (3, 256). */
  takeHistogram(): Float64Array {
    this.#fold();
    return this.#histogram;
  }

  #fold(): void {
    for (let kind = 0; kind < CHANNELS; kind++) {
      const [first, second] = [(2 * kind) % CHANNELS, (2 * kind + 1) % CHANNELS];
      for (let value = 0; value < PAIRS; value++) {
        const times = this.#pairs[kind * PAIRS + value]!;
        if (times === 0) continue;
        this.#histogram[first * LEVELS + (value & 0xff)]! += times;
        this.#histogram[second * LEVELS + (value >>> 8)]! += times;
      }
    }
    this.#pairs.fill(0);
    this.#patches = 0;
  }
}
