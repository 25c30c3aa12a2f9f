/** Linear scales. d3-scale would do this too, but pulls in nine packages for time and colour. */
import { nice, ticks } from 'd3-array';

export interface Scale {
  (value: number): number;
  /** Round numbers to write at an axis. */
  readonly ticks: readonly number[];
}

/** From 0 to the next round number above `most`, onto `range`; larger values end at its end. */
export function niceScale(most: number, range: readonly [number, number], count: number): Scale {
  const [, top] = nice(0, most, count);
  return Object.assign(linear([0, top], range), { ticks: ticks(0, top, count) });
}

/** Maps the one interval to the other; what is above the first ends at the end of the second. */
export function linear([low, high]: readonly [number, number], [from, to]: readonly [number, number]) {
  return (value: number): number => from + ((Math.min(value, high) - low) / (high - low)) * (to - from);
}
