/** Mean and standard deviation of the channels from their histograms: whole numbers up to the last division. */
import { CHANNELS } from '../../core/index.js';
import { LEVELS } from '../../scan/index.js';
import type { Channels } from './types.js';

/** @param histogram shape (3, 256) */
export function channelsOf(histogram: Float64Array): Channels {
  const rows = Array.from({ length: CHANNELS }, (_, channel) => [
    ...histogram.subarray(channel * LEVELS, (channel + 1) * LEVELS),
  ]);
  const moments = rows.map(momentsOf);
  return { mean: moments.map(({ mean }) => mean), std: moments.map(({ std }) => std), histogram: rows };
}

function momentsOf(times: readonly number[]): { mean: number; std: number } {
  let [count, sum, squares] = [0n, 0n, 0n];
  for (const [value, n] of times.entries()) {
    count += BigInt(n);
    sum += BigInt(n * value);
    squares += BigInt(n * value * value);
  }
  const pixels = Number(count);
  // Of 2.4 thousand million pixels, the difference of these has no room in a double.
  const variance = Number(count * squares - sum * sum) / (pixels * pixels);
  return { mean: Number(sum) / pixels, std: Math.sqrt(variance) };
}
