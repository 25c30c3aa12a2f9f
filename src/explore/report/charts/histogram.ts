/** The histograms of three channels over each other. */
import { area, curveStep, line } from 'd3-shape';
import { linear } from './scale.js';

export interface HistogramChart {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly bottom: number;
  readonly ticks: readonly { readonly x: number; readonly value: number }[];
  /** Path data by channel: red, green, blue. */
  readonly areas: readonly string[];
  readonly lines: readonly string[];
}

const SIDE = 10;
const TOP = 10;
const BELOW = 22;
const LEVELS = 256;
/** The highest bars, those of white background, may be cut so that the rest can be seen. */
const CUT = 3;

/**
 * @param histogram three lists of 256 counts
 * @param ceiling the count at the top; larger ones are cut
 */
export function histogramChart(
  histogram: readonly (readonly number[])[],
  { width, height, ceiling }: { width: number; height: number; ceiling: number },
): HistogramChart {
  const bottom = height - BELOW;
  const x = linear([0, LEVELS - 1], [SIDE, width - SIDE]);
  const y = linear([0, ceiling], [bottom, TOP]);
  const outline = line<number>(
    (_, i) => x(i),
    (count) => y(count),
  )
    .curve(curveStep)
    .digits(1);
  const filled = area<number>(
    (_, i) => x(i),
    bottom,
    (count) => y(count),
  )
    .curve(curveStep)
    .digits(1);
  return {
    ...{ width, height, left: SIDE, right: width - SIDE, bottom },
    ticks: [0, 64, 128, 192, 255].map((value) => ({ value, x: x(value) })),
    areas: histogram.map((counts) => filled(counts) ?? ''),
    lines: histogram.map((counts) => outline(counts) ?? ''),
  };
}

/** Where to cut: the largest count, or a few times the highest one that is not a peak of a single value. */
export function ceilingOf(histogram: readonly (readonly number[])[]): number {
  const largest = Math.max(1, ...histogram.flat());
  const smooth = histogram.map((counts) => {
    const inner = counts.slice(1, -1).toSorted((a, b) => b - a);
    return inner[Math.floor(inner.length * 0.04)] ?? 0;
  });
  const usual = Math.max(1, ...smooth);
  return Math.min(largest, usual * CUT) * 1.02;
}
