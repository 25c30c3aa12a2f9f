/** The charts of a score's page: curves, reliability, the scores of both classes, and intervals as bars. */
import { Html, html } from '../explore/report/html.js';
import type { Ranked } from './metrics.js';
import type { ReliabilityBin } from './reliability.js';
import type { Interval } from './types.js';

type Point = readonly [x: number, y: number];

const SIZE = 340;
const BOX = { left: 48, top: 12, right: SIZE - 12, bottom: SIZE - 36 };
const TICKS = [0, 0.25, 0.5, 0.75, 1];
/** Points nearer to each other than so many px look like one. */
const MIN_STEP = 0.4;

const x = (value: number) => BOX.left + value * (BOX.right - BOX.left);
const y = (value: number) => BOX.bottom - value * (BOX.bottom - BOX.top);

function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function at([across, up]: Point): string {
  return `${px(x(across))} ${px(y(up))}`;
}

interface Frame {
  readonly words: string;
  readonly across: string;
  readonly up: string;
  /** The end of the upward axis, where it is not 1. */
  readonly upTicks?: readonly { readonly value: number; readonly words: string }[];
  readonly inside: Html;
}

/** A square from 0 to 1 with axes. */
function frame({ words, across, up, upTicks, inside }: Frame): Html {
  const upward = upTicks ?? TICKS.map((value) => ({ value, words: String(value) }));
  const grid = [
    ...TICKS.map((value) => `M${at([value, 0])}V${BOX.top}`),
    ...upward.map(({ value }) => `M${at([0, value])}H${BOX.right}`),
  ].join('');
  return html`<svg viewBox="0 0 ${SIZE} ${SIZE}" role="img" aria-label="${words}"><path class="grid" d="${grid}"/>
${TICKS.map((value) => html`<text x="${px(x(value))}" y="${BOX.bottom + 15}" text-anchor="middle">${value}</text>`)}
${upward.map((tick) => html`<text x="${BOX.left - 6}" y="${px(y(tick.value) + 4)}" text-anchor="end">${tick.words}</text>`)}
<text x="${px((BOX.left + BOX.right) / 2)}" y="${SIZE - 4}" text-anchor="middle">${across}</text>
<text transform="rotate(-90 10 ${px((BOX.top + BOX.bottom) / 2)})" x="10" y="${px((BOX.top + BOX.bottom) / 2)}" text-anchor="middle" dy=".3em">${up}</text>
${inside}</svg>`;
}

/** A path that leaves out what is too near to be seen. */
function path(points: readonly Point[]): string {
  const kept: Point[] = [];
  for (const [i, point] of points.entries()) {
    const last = kept.at(-1);
    const far = !last || Math.hypot(x(point[0]) - x(last[0]), y(point[1]) - y(last[1])) >= MIN_STEP;
    if (far || i === points.length - 1) kept.push(point);
  }
  return `M${kept.map(at).join('L')}`;
}

export interface Curve {
  readonly ranked: Ranked;
  /** Of the ROC curve and the precision-recall curve, where a threshold is. */
  readonly marks: readonly {
    readonly sensitivity: number;
    readonly specificity: number;
    readonly precision: number;
  }[];
}

interface Step {
  readonly recall: number;
  readonly falsePositives: number;
  readonly precision: number;
}

/** Where each score, from the highest down, would put the threshold. */
function stepsOf({ labels, ends, count }: Ranked): Step[] {
  const positive = labels.reduce((sum, label) => sum + label, 0);
  const steps: Step[] = [];
  let tp = 0;
  for (let r = 0; r < count; r++) {
    tp += labels[r]!;
    if (ends[r] !== 1) continue;
    const fp = r + 1 - tp;
    steps.push({ recall: tp / positive, falsePositives: fp / (count - positive), precision: tp / (r + 1) });
  }
  return steps;
}

/** @param curves that of the model, and of the one that it is compared with */
export function rocChart(curves: readonly Curve[], words: string): Html {
  const lines = curves.map(({ ranked }) =>
    path([[0, 0], ...stepsOf(ranked).map(({ recall, falsePositives }): Point => [falsePositives, recall])]),
  );
  const marks = curves[0]!.marks.map(({ sensitivity, specificity }): Point => [1 - specificity, sensitivity]);
  const chance = html`<path class="chance" d="M${at([0, 0])}L${at([1, 1])}"/>`;
  return frame({
    words,
    across: 'false positives',
    up: 'sensitivity',
    inside: html`${chance}${layers(lines, marks)}`,
  });
}

export function precisionRecallChart(curves: readonly Curve[], words: string): Html {
  const lines = curves.map(({ ranked }) => {
    const steps = stepsOf(ranked);
    // Average precision is the area under these steps.
    return path(
      steps.flatMap(({ recall, precision }, i): Point[] => [
        [steps[i - 1]?.recall ?? 0, precision],
        [recall, precision],
      ]),
    );
  });
  const { labels, count } = curves[0]!.ranked;
  const prevalence = labels.reduce((sum, label) => sum + label, 0) / count;
  const marks = curves[0]!.marks.map(({ sensitivity, precision }): Point => [sensitivity, precision]);
  const chance = html`<path class="chance" d="M${at([0, prevalence])}H${BOX.right}"/>`;
  return frame({
    words,
    across: 'sensitivity (recall)',
    up: 'precision',
    inside: html`${chance}${layers(lines, marks)}`,
  });
}

function layers([own, other]: readonly string[], marks: readonly Point[]): Html {
  return html`${other !== undefined && html`<path class="other" d="${other}"/>`}<path class="own" d="${own}"/>${marks.map(
    ([across, up]) => html`<circle class="threshold" cx="${px(x(across))}" cy="${px(y(up))}" r="4.5"/>`,
  )}`;
}

/** A dot per bin, its area by the number of patches. */
export function reliabilityChart(bins: readonly ReliabilityBin[], words: string): Html {
  const full = bins.filter(({ patches }) => patches > 0);
  const most = Math.max(...full.map(({ patches }) => patches));
  const radius = (patches: number) => px(2.2 + 9 * Math.sqrt(patches / most));
  const points = full.map(({ predicted, observed }): Point => [predicted, observed]);
  const gaps = full
    .map(({ predicted, observed }) => `M${at([predicted, predicted])}V${px(y(observed))}`)
    .join('');
  return frame({
    ...{ words, across: 'mean probability of tumor', up: 'share with tumor' },
    inside: html`<path class="chance" d="M${at([0, 0])}L${at([1, 1])}"/><path class="gap" d="${gaps}"/><path class="thin" d="M${points.map(at).join('L')}"/>${full.map(
      ({ predicted, observed, patches }) =>
        html`<circle class="bin" cx="${px(x(predicted))}" cy="${px(y(observed))}" r="${radius(patches)}"/>`,
    )}`,
  });
}

const COLUMNS = 50;

/** How many patches of each class have which probability; heights by the square root, so that few are seen, too. */
export function spreadChart({
  values,
  labels,
  thresholds,
  words,
}: {
  values: Float64Array;
  labels: Uint8Array;
  thresholds: readonly number[];
  words: string;
}): Html {
  const counts = [new Uint32Array(COLUMNS), new Uint32Array(COLUMNS)] as const;
  for (const [i, value] of values.entries()) {
    counts[labels[i] as 0 | 1][Math.min(COLUMNS - 1, Math.floor(value * COLUMNS))]!++;
  }
  const most = Math.max(1, ...counts[0], ...counts[1]);
  const height = (count: number) => Math.sqrt(count / most) * 0.94;
  const area = (columns: Uint32Array) =>
    `M${at([0, 0])}${Array.from(columns, (count, i) => `V${px(y(height(count)))}H${px(x((i + 1) / COLUMNS))}`).join('')}V${BOX.bottom}z`;
  const steps = [1, 10, 100, 1000, 10_000, 100_000].filter((count) => count <= most && height(count) > 0.05);
  const lines = thresholds.map((threshold) => `M${at([threshold, 0])}V${BOX.top}`).join('');
  return frame({
    ...{ words, across: 'probability of tumor', up: 'patches' },
    upTicks: [0, ...steps].map((count) => ({
      value: height(count),
      words: count >= 1000 ? `${count / 1000} k` : String(count),
    })),
    inside: html`<path class="spread negative" d="${area(counts[0])}"/><path class="spread positive" d="${area(counts[1])}"/><path class="cut" d="${lines}"/>`,
  });
}

const BAR = { width: 180, height: 18 };

/** An interval of slides, that of patches within it, and the value, between two ends. */
export function intervalBar({
  value,
  interval,
  inner,
  low,
  high,
}: {
  value: number | null;
  interval: Interval | null;
  inner: Interval | null;
  low: number;
  high: number;
}): Html {
  const place = (number: number) => px(4 + ((number - low) / (high - low)) * (BAR.width - 8));
  const line = (style: string, ends: Interval | null) =>
    ends && html`<path class="${style}" d="M${place(ends[0])} ${BAR.height / 2}H${place(ends[1])}"/>`;
  const zero = low < 0 && html`<path class="zero" d="M${place(0)} 0V${BAR.height}"/>`;
  const dot = value !== null && html`<circle cx="${place(value)}" cy="${BAR.height / 2}" r="3.6"/>`;
  return html`<svg class="interval" viewBox="0 0 ${BAR.width} ${BAR.height}" aria-hidden="true">${zero}${line('slides', interval)}${line('patches', inner)}${dot}</svg>`;
}

export const CHART_STYLE = new Html(
  `
.curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr)); gap: 1.8rem 3rem; margin-top: 1.2rem; }
.curves figure { max-width: 27rem; }
.curves svg { width: 100%; font: 11px system-ui, -apple-system, "Liberation Sans", Arial, sans-serif; }
.curves h3 { margin: 0 0 .5rem; }
.curves text { fill: var(--soft); } .curves .grid { stroke: var(--line); fill: none; }
.curves .chance { stroke: var(--soft); stroke-dasharray: 3 4; fill: none; }
.own { stroke: var(--accent); stroke-width: 2.2; fill: none; stroke-linejoin: round; }
.other { stroke: var(--warn); stroke-width: 1.6; stroke-dasharray: 6 3; fill: none; }
.threshold { fill: var(--paper); stroke: var(--accent); stroke-width: 2.2; }
.thin { stroke: var(--accent); stroke-width: 1; stroke-opacity: .45; fill: none; }
.gap { stroke: var(--positive); stroke-width: 1.6; stroke-opacity: .7; fill: none; }
.bin { fill: var(--accent); fill-opacity: .78; stroke: var(--paper); }
.spread { fill-opacity: .5; stroke-width: 1.2; } .spread.positive { fill: var(--positive); stroke: var(--positive); } .spread.negative { fill: var(--negative); stroke: var(--negative); }
.cut { stroke: var(--ink); stroke-width: 1.4; stroke-dasharray: 2 3; fill: none; }
.k-own { color: var(--accent); } .k-other { color: var(--warn); } .k-soft { color: var(--soft); }
.interval { width: 11.25rem; height: 1.125rem; display: inline-block; vertical-align: -.2em; max-width: none; }
.interval .slides { stroke: var(--accent); stroke-width: 2; stroke-linecap: round; } .interval .patches { stroke: var(--accent); stroke-width: 7; stroke-opacity: .3; }
.interval circle { fill: var(--accent); } .interval .zero { stroke: var(--soft); stroke-dasharray: 2 2; }
.metrics td, .metrics th { padding-right: 1.2rem; white-space: nowrap; } .metrics .at th { padding-top: 1.1rem; color: var(--soft); font-weight: 600; font-size: .86rem; }
.scale { display: flex; justify-content: space-between; width: 11.25rem; font-weight: 400; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 0 3rem; }
@media (max-width: 40rem) { .metrics .chart-cell, .metrics .less { display: none; } }
@media print { .metrics { font-size: .8rem; } .metrics td, .metrics th { padding-right: .5rem; } .interval, .scale { width: 7rem; } .curves { grid-template-columns: 1fr 1fr; gap: 1rem 2rem; } .sheet.small { grid-template-columns: repeat(8, 1fr); } }`
    .replace(/\n\s*/g, '\n')
    .trim(),
);
