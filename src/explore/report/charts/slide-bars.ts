/** Patches per slide as stacked bars, most patches first: one path per class, however many slides there are. */
import { niceScale } from './scale.js';

export interface SlideBar {
  readonly positive: number;
  readonly negative: number;
  readonly marked: boolean;
}

/** A chart that a page stretches to whatever room it has, so labels are not in the picture but beside it. */
export interface BarChart {
  /** Of the view box. */
  readonly width: number;
  readonly height: number;
  /** From the top, in percent. */
  readonly ticks: readonly { readonly top: number; readonly value: number }[];
  /** Path data. */
  readonly positive: string;
  readonly negative: string;
  readonly grid: string;
  /** Below the bars of marked slides, in a strip of their own from 0 to 1. */
  readonly marks: string;
}

const HEIGHT = 1000;
const SLOT = 20;
const TICKS = 4;

/** Lays out the chart for bars that are sorted already. */
export function slideBars(bars: readonly SlideBar[]): BarChart {
  const width = Math.max(1, bars.length) * SLOT;
  const most = Math.max(1, ...bars.map(({ positive, negative }) => positive + negative));
  const y = niceScale(most, [HEIGHT, 0], TICKS);
  const gap = SLOT * (bars.length > 80 ? 0.14 : 0.26);
  const x = (i: number) => i * SLOT + gap / 2;
  const thick = SLOT - gap;
  const ticks = y.ticks.filter(Number.isInteger);
  const bar = (i: number, from: number, to: number) =>
    from === to ? '' : `M${px(x(i))} ${px(y(from))}h${px(thick)}V${px(y(to))}h-${px(thick)}z`;
  return {
    ...{ width, height: HEIGHT },
    ticks: ticks.map((value) => ({ value, top: (100 * y(value)) / HEIGHT })),
    grid: ticks.map((value) => `M0 ${px(y(value))}H${width}`).join(''),
    positive: bars.map(({ positive }, i) => bar(i, 0, positive)).join(''),
    negative: bars.map(({ positive, negative }, i) => bar(i, positive, positive + negative)).join(''),
    marks: bars
      .map(({ marked }, i) => (marked ? `M${px(x(i))} 0h${px(thick)}v1h-${px(thick)}z` : ''))
      .join(''),
  };
}

function px(value: number): string {
  return String(Math.round(value * 100) / 100);
}
