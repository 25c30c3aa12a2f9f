/** The path data of the charts: histograms of three channels over each other, and stacked bars of slides. */

export interface HistogramChart {
  readonly left: number;
  readonly right: number;
  readonly bottom: number;
  readonly ticks: readonly { readonly x: number; readonly value: number }[];
  /** By channel: red, green, blue. */
  readonly areas: readonly string[];
  readonly lines: readonly string[];
}

const SIDE = 10;
const TOP = 10;
const BELOW = 22;
const MAX_LEVEL = 255;
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
  const right = width - SIDE;
  const x = (level: number) =>
    px(SIDE + (Math.min(MAX_LEVEL, Math.max(0, level)) / MAX_LEVEL) * (right - SIDE));
  const y = (count: number) => px(bottom - (Math.min(count, ceiling) / ceiling) * (bottom - TOP));
  // The line steps half-way between two levels.
  const lines = histogram.map((counts) =>
    counts.map(
      (count, level) => `${level === 0 ? 'M' : 'H'}${x(level - 0.5)}${level === 0 ? ',' : 'V'}${y(count)}`,
    ),
  );
  const ends = lines.map((steps) => `${steps.join('')}H${px(right)}`);
  return {
    ...{ left: SIDE, right, bottom },
    ticks: [0, 64, 128, 192, MAX_LEVEL].map((value) => ({ value, x: x(value) })),
    lines: ends,
    areas: ends.map((line) => `${line}V${bottom}H${SIDE}Z`),
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

export interface SlideBar {
  readonly positive: number;
  readonly negative: number;
  readonly marked: boolean;
}

/** A page stretches the chart to the width that it has, so the labels are beside the SVG. */
export interface BarChart {
  /** Of the view box. */
  readonly width: number;
  readonly height: number;
  /** From the top, in percent. */
  readonly ticks: readonly { readonly top: number; readonly value: number }[];
  readonly positive: string;
  readonly negative: string;
  readonly grid: string;
  /** Below the bars of marked slides, in a strip of their own from 0 to 1. */
  readonly marks: string;
}

const HEIGHT = 1000;
const SLOT = 20;
const MAX_TICKS = 6;

/** Patches per slide as stacked bars, in the given order: one path per class, however many slides there are. */
export function slideBars(bars: readonly SlideBar[]): BarChart {
  const width = Math.max(1, bars.length) * SLOT;
  const ticks = roundTicks(Math.max(1, ...bars.map(({ positive, negative }) => positive + negative)));
  const top = ticks.at(-1)!;
  const y = (count: number) => px(HEIGHT * (1 - count / top));
  const gap = SLOT * (bars.length > 80 ? 0.14 : 0.26);
  const x = (i: number) => px(i * SLOT + gap / 2);
  const thick = px(SLOT - gap);
  const bar = (i: number, from: number, to: number) =>
    from === to ? '' : `M${x(i)} ${y(from)}h${thick}V${y(to)}h-${thick}z`;
  return {
    ...{ width, height: HEIGHT },
    ticks: ticks.map((value) => ({ value, top: (100 * y(value)) / HEIGHT })),
    grid: ticks.map((value) => `M0 ${y(value)}H${width}`).join(''),
    positive: bars.map(({ positive }, i) => bar(i, 0, positive)).join(''),
    negative: bars.map(({ positive, negative }, i) => bar(i, positive, positive + negative)).join(''),
    marks: bars.map(({ marked }, i) => (marked ? `M${x(i)} 0h${thick}v1h-${thick}z` : '')).join(''),
  };
}

/** Multiples of 1, 2 or 5 times a power of ten, from 0 to the first that is not below `max`. */
function roundTicks(max: number): number[] {
  const power = 10 ** Math.floor(Math.log10(max / (MAX_TICKS - 1)));
  const steps = [1, 2, 5, 10].map((factor) => Math.max(1, factor * power));
  const step = steps.find((candidate) => Math.ceil(max / candidate) < MAX_TICKS)!;
  return Array.from({ length: Math.ceil(max / step) + 1 }, (_, i) => i * step);
}

function px(value: number): number {
  return Math.round(value * 100) / 100;
}
