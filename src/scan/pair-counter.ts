/** Counts the values of each channel, fast and exactly. */
import { CHANNELS, PATCH_BYTES } from '../core/index.js';
import { LEVELS } from './types.js';

const PAIRS = LEVELS * LEVELS;
const WORDS = PATCH_BYTES / 4;
/** A pair can occur 13,824 times in a patch, and a counter has 32 bits. */
const MAX_PATCHES = 200_000;

/** Tables of pairs: red and green, blue and red, green and blue. They follow each other in this order, twice in 12 bytes. */
const [RG, BR, GB] = [0, PAIRS, 2 * PAIRS];
/** For the low and the high half of three words in a row, which of them comes first being the machine's own business. */
const HALVES =
  new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? [RG, BR, GB, RG, BR, GB] : [BR, RG, RG, GB, GB, BR];

/** Counts two bytes in one step, which takes two thirds of the time that single bytes take. */
export class PairCounter {
  readonly #pairs = new Uint32Array(CHANNELS * PAIRS);
  /** Shape (3, 256). */
  readonly #histogram = new Float64Array(CHANNELS * LEVELS);
  #patches = 0;

  /** @param from where the patch begins in `words`, which holds patches as four bytes each */
  add(words: Uint32Array, from: number): void {
    const pairs = this.#pairs;
    const [a, b, c, d, e, f] = HALVES as [number, number, number, number, number, number];
    for (let i = from, end = from + WORDS; i < end; i += 3) {
      const one = words[i]!;
      const two = words[i + 1]!;
      const three = words[i + 2]!;
      pairs[a + (one & 0xffff)]!++;
      pairs[b + (one >>> 16)]!++;
      pairs[c + (two & 0xffff)]!++;
      pairs[d + (two >>> 16)]!++;
      pairs[e + (three & 0xffff)]!++;
      pairs[f + (three >>> 16)]!++;
    }
    if (++this.#patches === MAX_PATCHES) this.#fold();
  }

  /** What was counted so far: shape (3, 256). */
  takeHistogram(): Float64Array {
    this.#fold();
    return this.#histogram;
  }

  #fold(): void {
    const pair = new Uint16Array(1);
    const bytes = new Uint8Array(pair.buffer);
    for (let kind = 0; kind < CHANNELS; kind++) {
      const [first, second] = [(2 * kind) % CHANNELS, (2 * kind + 1) % CHANNELS];
      for (let value = 0; value < PAIRS; value++) {
        const times = this.#pairs[kind * PAIRS + value]!;
        if (times === 0) continue;
        pair[0] = value;
        this.#histogram[first * LEVELS + bytes[0]!]! += times;
        this.#histogram[second * LEVELS + bytes[1]!]! += times;
      }
    }
    this.#pairs.fill(0);
    this.#patches = 0;
  }
}
