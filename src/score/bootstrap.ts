/** Percentile bootstrap: how much the metrics change when slides, or patches, are drawn again with replacement. */
import { setImmediate } from 'node:timers/promises';
import { Random, throwIfAborted } from '../core/index.js';
import type { Job } from '../threads/index.js';
import { evaluate, type Ranked, type Weights } from './metrics.js';
import type { Interval } from './types.js';

/** Keep the random numbers of both kinds of resample apart. */
const STREAM = { slides: 0x51de5, patches: 0x9a7c4 } as const;
/** Resamples that may leave a metric undefined: a share of all. */
const MAX_UNDEFINED = 0.05;
/** Steps after which signals and bars get a turn, some 10 ms. */
const STEPS_PER_TURN = 4e6;

export interface BootstrapInput {
  readonly ranked: Ranked;
  /** The slide of each patch that was ranked, and how many slides there are; `null` to draw patches. */
  readonly slides: { readonly of: Uint16Array; readonly count: number } | null;
  readonly resamples: number;
  readonly seed: number;
}

/**
 * The values of each metric of `ranked.metrics`, by resample; NaN where one is undefined. A job of the worker pool. The
 * resamples of a seed are the same on every machine, and slides the same whatever was ranked. Reports how many are begun.
 */
export const bootstrapJob: Job<BootstrapInput, Float64Array[], number> = {
  name: 'bootstrap',
  doing: () => 'resampling',
  async run({ ranked, slides, resamples, seed }, { signal, report }) {
    const samples = ranked.metrics.map(() => new Float64Array(resamples));
    const weights = new Float64Array(ranked.count);
    const draw = slides ? drawSlides(ranked, slides, seed) : drawPatches(ranked, seed);
    const perTurn = Math.max(1, Math.floor(STEPS_PER_TURN / Math.max(1, ranked.count)));
    for (let resample = 0; resample < resamples; resample++) {
      if (resample % perTurn === 0) {
        await setImmediate();
        throwIfAborted(signal);
        report(Math.min(perTurn, resamples - resample));
      }
      draw(resample, weights);
      for (const [i, value] of evaluate(ranked, weights).entries()) samples[i]![resample] = value;
    }
    return samples;
  },
};

/** Fills the weights of one resample. */
type Draw = (resample: number, weights: Weights) => void;

/** As many slides as there are; a patch has the weight of its slide. */
function drawSlides(
  { patches }: Ranked,
  { of, count }: { of: Uint16Array; count: number },
  seed: number,
): Draw {
  const byRank = Uint16Array.from(patches, (patch) => of[patch]!);
  return (resample, weights) => {
    const counts = slideCounts({ count, seed, resample });
    for (let r = 0; r < weights.length; r++) weights[r] = counts[byRank[r]!]!;
  };
}

/** How often each slide is in a resample. */
export function slideCounts({
  count,
  seed,
  resample,
}: {
  count: number;
  seed: number;
  resample: number;
}): Float64Array {
  const random = new Random(seed, STREAM.slides, resample);
  const counts = new Float64Array(count);
  for (let i = 0; i < count; i++) counts[random.integer(0, count)]!++;
  return counts;
}

/** As many patches as there are, each rank as likely as the others. */
function drawPatches({ count }: Ranked, seed: number): Draw {
  const counts = new Uint16Array(count);
  return (resample, weights) => {
    countDraws(counts, new Random(seed, STREAM.patches, resample));
    weights.set(counts);
  };
}

/** Counts how often each place is drawn, of as many draws as there are places. */
function countDraws(counts: Uint16Array, random: Random): void {
  const places = counts.length;
  const words = new Int32Array(Math.min(4096, places));
  const mask = places < 2 ? 0 : 0xffffffff >>> Math.clz32(places - 1);
  counts.fill(0);
  for (let left = places; left > 0; ) {
    random.words(words);
    // A word that means no place is passed over: a remainder would make the first places more likely.
    for (let i = 0; i < words.length && left > 0; i++) {
      const place = words[i]! & mask;
      if (place >= places) continue;
      counts[place]!++;
      left--;
    }
  }
}

/** The 95 % interval of some values; `null` where more than 5 % of them are undefined. */
export function intervalOf(values: Float64Array): Interval | null {
  const defined = values.filter((value) => !Number.isNaN(value)).sort();
  if (defined.length === 0 || defined.length < values.length * (1 - MAX_UNDEFINED)) return null;
  return [percentile(defined, 2.5), percentile(defined, 97.5)];
}

/** Linear between the two nearest of ascending values, as NumPy has it. */
function percentile(sorted: Float64Array, percent: number): number {
  const place = (percent / 100) * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!];
  return low + (high - low) * (place - Math.floor(place));
}
