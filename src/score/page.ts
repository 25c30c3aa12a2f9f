/** One HTML page about a score: alarms, metrics with their intervals, curves, slides, and the most confident mistakes. */
import { formatInteger, VERSION } from '../core/index.js';
import { renderDocument } from '../explore/report/document.js';
import {
  type Html,
  html,
  integer,
  patchFigure,
  plural,
  scrolling,
  share,
  shortSlide,
} from '../explore/report/html.js';
import { barPlot } from '../explore/report/slides.js';
import {
  CHART_STYLE,
  type Curve,
  intervalBar,
  precisionRecallChart,
  reliabilityChart,
  rocChart,
  spreadChart,
} from './charts.js';
import type { Ranked } from './metrics.js';
import type { ShownMistake, ShownMistakes } from './mistakes.js';
import type { Model } from './model.js';
import { reliability } from './reliability.js';
import type { Truth } from './truth.js';
import type { Comparison, Difference, Metric, ScoreResult, SlideScore } from './types.js';
import {
  benchmarkRow,
  bothThresholds,
  comparisonSentences,
  intervalDigits,
  KIND_WORDS,
  type MetricName,
  metricDigits,
  metricRows,
  thresholdWords,
  widthRatio,
} from './words.js';

export interface PageModel {
  readonly result: ScoreResult;
  readonly model: Model;
  readonly other: Model | null;
  readonly truth: Truth;
  readonly ranked: Ranked;
  readonly otherRanked: Ranked | null;
  /** Whether the patches were drawn by pcam. */
  readonly synthetic: boolean;
  /** Called positive and missed, the most confident first; `null` without images or threshold. */
  readonly mistakes: ShownMistakes | null;
}

interface Section {
  readonly id: string;
  readonly title: string;
  /** `null` where there is nothing to show. */
  render(page: PageModel): Html | null;
}

const SECTIONS: readonly Section[] = [
  { id: 'alarms', title: 'Alarms', render: alarmsSection },
  { id: 'metrics', title: 'Metrics', render: metricsSection },
  { id: 'curves', title: 'Ranking', render: curvesSection },
  { id: 'probabilities', title: 'Probabilities', render: probabilitySection },
  { id: 'comparison', title: 'Comparison', render: comparisonSection },
  { id: 'slides', title: 'Slides', render: slidesSection },
  { id: 'mistakes', title: 'Mistakes', render: mistakesSection },
  { id: 'table', title: 'Report it', render: tableSection },
];

/** The whole document. The same model gives the same bytes. */
export function renderScore(page: PageModel): string {
  const { result, model } = page;
  const sections = SECTIONS.flatMap(({ id, title, render }) => {
    const body = render(page);
    return body === null ? [] : [{ id, title, body }];
  });
  return renderDocument({
    kicker: 'Score',
    title: fileName(model.file),
    head: html`<style>${CHART_STYLE}</style>`,
    top: html`<p class="lede">${lede(page)}</p>${badge(result)}
${figures(result)}`,
    sections,
    footer: html`Written by pcam ${VERSION} from ${fileName(model.file)} and the labels of ${result.split}.`,
  });
}

/** A path says more of a machine than of a model. */
function fileName(path: string): string {
  return path.replace(/^.*[\\/]/, '');
}

function lede({ result, model, synthetic, truth }: PageModel): string {
  const { split, patches, slides, as } = result;
  const positive = truth.labels.reduce((sum, label) => sum + label, 0);
  const of = slides === null ? '' : ` of ${plural(slides, 'slide')}`;
  const drawn = synthetic ? ' synthetic' : '';
  const ignored = model.ignored > 0 ? ` ${plural(model.ignored, 'row')} of other splits were ignored.` : '';
  return `${integer(patches)}${drawn} patches${of} of ${split}, ${share(positive, patches)} of them with tumor; the scores are ${KIND_WORDS[as]}.${ignored}`;
}

function badge({ findings }: ScoreResult): Html {
  const warnings = findings.filter(({ level }) => level === 'warning').length;
  const path = warnings === 0 ? 'M3 8.6l3.2 3.2L13 4.8' : 'M8 3.2v5.6M8 12.1v.4';
  const words = warnings === 0 ? 'No alarm' : plural(warnings, 'alarm');
  return html`<p class="verdict ${warnings > 0 && 'part'}"><svg viewBox="0 0 16 16" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"><path d="${path}"/></svg><span>${words}</span></p>`;
}

function figures({ ranking, probability, decisions, split }: ScoreResult): Html {
  const last = decisions.at(-1);
  const items: [string, Metric | undefined, string][] = [
    ['AUC', ranking?.auc, ''],
    ['Accuracy', last?.accuracy, last ? thresholdWords(last) : ''],
    ['NLL', probability?.nll, ''],
    ['ECE', probability?.ece, ''],
  ];
  const known = items.flatMap(([name, metric, note]) => (metric ? [{ name, metric, note }] : []));
  return html`<dl class="figures">${known.map(({ name, metric: { value, interval }, note }) => html`<div><dt>${name} on ${split}</dt><dd>${value === null ? '–' : value.toFixed(3)}<span class="note">${interval ? intervalDigits(interval) : 'no interval by slides'}${note !== '' && html`<br>${note}`}</span></dd></div>`)}</dl>`;
}

function alarmsSection({ result }: PageModel): Html {
  const { findings, split } = result;
  const checked = html`<p class="small soft">Checked: whether the scores fit another split or another usual order better, are upside down, constant, perfect, logits in place of probabilities, or labels in place of scores.</p>`;
  const list = html`<ul class="findings">${findings.map(({ level, message }) => html`<li class="${level}">${message}</li>`)}</ul>`;
  const quiet = findings.every(({ level }) => level === 'info');
  return html`${quiet && html`<p>Nothing suggests that these are other than scores of ${split} in the order that they say.</p>`}${findings.length > 0 && list}${checked}`;
}

/** Metrics that are drawn on a common scale up to 1. */
const UP_TO_ONE = new Set<MetricName>([
  ...(['auc', 'averagePrecision', 'accuracy', 'balancedAccuracy'] as const),
  ...(['sensitivity', 'specificity', 'precision', 'f1'] as const),
]);

function metricsSection({ result }: PageModel): Html {
  const rows = [...metricRows<Metric>(result)];
  const lows = rows.flatMap((row) => {
    if ('threshold' in row || !UP_TO_ONE.has(row.metric)) return [];
    const { value, interval, patchInterval } = row.of(result);
    return [value, interval?.[0], patchInterval?.[0]].filter((end) => end != null);
  });
  const low = Math.floor(10 * Math.min(0.9, ...lows)) / 10;
  const { unique, slides, patches } = result;
  const head = html`<thead><tr><th scope="col">Metric</th><th scope="col" class="n">Value</th><th scope="col" class="chart-cell"><span class="scale"><span>${low}</span><span>1</span></span></th><th scope="col" class="n">95 % by slides</th><th scope="col" class="n less">by patches</th><th scope="col" class="n less">ratio</th>${unique && html`<th scope="col" class="n">unique</th>`}</tr></thead>`;
  const row = (one: (typeof rows)[number]) => {
    if ('threshold' in one)
      return html`<tr class="at"><th scope="rowgroup" colspan="${unique ? 7 : 6}">${thresholdWords(one.threshold)}</th></tr>`;
    const { value, interval, patchInterval } = one.of(result);
    const bar =
      UP_TO_ONE.has(one.metric) && intervalBar({ value, interval, inner: patchInterval, low, high: 1 });
    return html`<tr><th scope="row">${one.name}</th><td class="n">${metricDigits(value)}</td><td class="chart-cell">${bar}</td><td class="n">${intervalDigits(interval)}</td><td class="n less">${intervalDigits(patchInterval)}</td><td class="n less">${widthRatio(interval, patchInterval)}</td>${unique && html`<td class="n">${metricDigits(one.of(unique).value)}</td>`}</tr>\n`;
  };
  const bySlides = slides !== null && slides > 1;
  return html`<p>${bySlides ? `Patches of a slide share its stain, scanner and tumor, so they are not independent. The interval of each metric is from drawing whole slides again, ${formatInteger(slides)} of ${formatInteger(slides)} with replacement; the narrow one, shaded, draws patches as if they were independent, and the ratio says how much too narrow that is.` : 'Without several slides, the only intervals are those that take patches as independent. They are too narrow.'}${unique && ` The last column counts the first of identical patches only, ${formatInteger(unique.patches)} of ${formatInteger(patches)}.`}</p>
${scrolling('Metrics', html`<table class="metrics">${head}<tbody>${rows.map(row)}</tbody></table>`)}
${result.decisions.length > 0 && html`<div class="two">${result.decisions.map(confusionTable)}</div>`}`;
}

function confusionTable(decision: ScoreResult['decisions'][number]): Html {
  const { tp, fp, tn, fn } = decision.confusion;
  const title = `Patches ${thresholdWords(decision)}`;
  return scrolling(
    title,
    html`<table class="matrix"><caption>${title}</caption><thead><tr><td></td><th scope="col">called tumor</th><th scope="col">called normal</th></tr></thead>
<tbody><tr><th scope="row">tumor</th><td>${integer(tp)}</td><td>${integer(fn)}</td></tr><tr><th scope="row">normal</th><td>${integer(fp)}</td><td>${integer(tn)}</td></tr></tbody></table>`,
  );
}

function curvesSection({ result, model, other, ranked, otherRanked }: PageModel): Html | null {
  const { ranking, decisions } = result;
  if (!ranking) return null;
  if (ranking.auc.value === null)
    return html`<p class="empty">All patches have the same label, so there is nothing to rank.</p>`;
  const marks = decisions.map(({ sensitivity, specificity, precision }) => ({
    sensitivity: sensitivity.value ?? 0,
    specificity: specificity.value ?? 0,
    precision: precision.value ?? 0,
  }));
  const curves: Curve[] = [{ ranked, marks }];
  if (otherRanked && result.compare?.ranking) curves.push({ ranked: otherRanked, marks: [] });
  const figure = (
    title: string,
    { value, interval }: Metric,
    chart: (words: string) => Html,
    name: string,
  ) => {
    const words = `${name} ${metricDigits(value)}${interval ? `, by slides ${intervalDigits(interval)}` : ''}`;
    return html`<figure><h3>${title}</h3>${chart(`${title}: ${words}`)}<figcaption>${words}.</figcaption></figure>`;
  };
  return html`<ul class="keys"><li class="k-own"><i></i><span>${fileName(model.file)}</span></li>${curves.length > 1 && html`<li class="k-other"><i></i><span>${fileName(other!.file)}</span></li>`}<li class="k-soft"><i></i><span>no better than chance</span></li></ul>
<div class="curves">${figure('ROC curve', ranking.auc, (words) => rocChart(curves, words), 'AUC')}
${figure('Precision and recall', ranking.averagePrecision, (words) => precisionRecallChart(curves, words), 'Average precision')}</div>
${marks.length > 0 && html`<p class="small soft">${marks.length === 1 ? 'The circle is' : 'The circles are'} ${decisions.map(thresholdWords).join(' and ')}.</p>`}`;
}

const BINS = 15;

function probabilitySection({ result, model, truth }: PageModel): Html | null {
  const { probability, decisions } = result;
  if (!probability) return null;
  const { value, interval } = probability.ece;
  const words = `expected calibration error ${metricDigits(value)}${interval ? `, by slides ${intervalDigits(interval)}` : ''}`;
  const bins = reliability(model.values, truth.labels, BINS);
  const thresholds = decisions.map(({ threshold }) => threshold);
  return html`<div class="curves"><figure><h3>Reliability</h3>${reliabilityChart(bins, `Reliability diagram: ${words}`)}<figcaption>Patches in ${BINS} bins of probability; a dot's area is their number, and its line the distance to the diagonal, where 70 % have tumor among those with 0.7. ${words[0]!.toUpperCase()}${words.slice(1)}.</figcaption></figure>
<figure><h3>Both classes</h3>${spreadChart({ values: model.values, labels: truth.labels, thresholds, words: 'Number of patches by probability, with and without tumor' })}<figcaption><span class="k-positive">■</span> with tumor, <span class="k-negative">■</span> without; heights grow with the square root. Dotted: ${decisions.map(thresholdWords).join(' and ')}.</figcaption></figure></div>`;
}

function comparisonSection({ result, model, other }: PageModel): Html | null {
  const { compare, slides } = result;
  if (!compare || !other) return null;
  const rows = [...metricRows<Difference>(compare)];
  const ends = rows.flatMap((row) =>
    'threshold' in row ? [] : [row.of(compare).value, ...(row.of(compare).interval ?? [])],
  );
  const most = Math.max(0.001, ...ends.map((end) => Math.abs(end ?? 0)));
  const row = (one: (typeof rows)[number]) => {
    if ('threshold' in one)
      return html`<tr class="at"><th scope="rowgroup" colspan="${compare.unique ? 5 : 4}">${bothThresholds(one.threshold, result)}</th></tr>`;
    const { value, interval } = one.of(compare);
    return html`<tr><th scope="row">${one.name}</th><td class="n">${metricDigits(value, true)}</td><td class="chart-cell">${intervalBar({ value, interval, inner: null, low: -most, high: most })}</td><td class="n">${intervalDigits(interval, true)}</td>${compare.unique && html`<td class="n">${metricDigits(one.of(compare.unique).value, true)}</td>`}</tr>\n`;
  };
  const edge = most.toPrecision(1);
  return html`<p>${fileName(model.file)} minus ${fileName(other.file)}, each metric on the same resampled slides.</p>${sentences(compare, slides)}
${scrolling('Differences', html`<table class="metrics"><thead><tr><th scope="col">Metric</th><th scope="col" class="n">Difference</th><th scope="col" class="chart-cell"><span class="scale"><span>−${edge}</span><span>0</span><span>+${edge}</span></span></th><th scope="col" class="n">95 % by slides</th>${compare.unique && html`<th scope="col" class="n">unique</th>`}</tr></thead><tbody>${rows.map(row)}</tbody></table>`)}`;
}

function sentences(compare: Comparison, slides: number | null): Html {
  const [first, ...rest] = comparisonSentences(compare, slides);
  return html`${first && html`<p><strong>${first}</strong></p>`}${rest.map((sentence) => html`<p class="small soft">${sentence}</p>`)}`;
}

function slidesSection({ result }: PageModel): Html | null {
  const { perSlide, decisions } = result;
  if (!perSlide) return null;
  const table = html`<details><summary>All slides as a table</summary>${scrolling(
    'All slides',
    html`<table><thead><tr><th scope="col">Slide</th><th scope="col" class="n">Patches</th><th scope="col" class="n">With tumor</th><th scope="col" class="n">Right</th><th scope="col" class="n">AUC</th></tr></thead><tbody>${perSlide.map(slideRow)}</tbody></table>`,
  )}</details>`;
  const last = decisions.at(-1);
  if (!last) return html`<p>Without a threshold, no patch is right or wrong.</p>${table}`;
  const bars = perSlide.map(({ patches, correct }) => ({
    positive: patches - correct!,
    negative: correct!,
    marked: false,
  }));
  const worst = perSlide[0]!;
  const words = `${plural(perSlide.length, 'slide')}, the worst first: ${shortSlide(worst.wsi)} has ${share(worst.correct, worst.patches)} right`;
  return html`<ul class="keys"><li class="k-positive"><i></i><span>wrong ${thresholdWords(last)}</span></li><li class="k-negative"><i></i><span>right</span></li></ul>
<figure class="chart">${barPlot(bars, words)}<figcaption>${words}.${worst.correct! < worst.patches && ` Half of all mistakes are on ${plural(halfOfMistakes(perSlide), 'slide')}.`}</figcaption></figure>${table}`;
}

function slideRow({ wsi, patches, positive, correct, auc }: SlideScore): Html {
  return html`<tr><th scope="row">${wsi}</th><td class="n">${integer(patches)}</td><td class="n">${integer(positive)}</td><td class="n">${share(correct, patches)}</td><td class="n">${auc === null ? '–' : auc.toFixed(3)}</td></tr>\n`;
}

/** The fewest slides that have half of the mistakes. */
function halfOfMistakes(perSlide: readonly SlideScore[]): number {
  const mistakes = perSlide.map(({ patches, correct }) => patches - correct!).sort((a, b) => b - a);
  const half = mistakes.reduce((sum, wrong) => sum + wrong, 0) / 2;
  let [slides, seen] = [0, 0];
  while (seen < half) seen += mistakes[slides++]!;
  return slides;
}

function mistakesSection({ mistakes, result }: PageModel): Html | null {
  const last = result.decisions.at(-1);
  if (!last) return null;
  if (!mistakes) {
    return html`<p class="empty">The images of ${result.split} are not in the folder, so the mistakes cannot be shown.</p>`;
  }
  const { fp, fn } = last.confusion;
  const sheet = (title: string, all: number, shown: readonly ShownMistake[]) =>
    html`<h3>${title}: ${integer(all)}</h3>${shown.length === 0 ? html`<p>None.</p>` : html`<ul class="sheet small">${shown.map(mistake)}</ul>`}`;
  return html`<p>The most confident mistakes ${thresholdWords(last)}, each of different pixels. A green box marks patches with tumor in the center 32 x 32 px, which decide the label.</p>
${sheet('Called tumor, and labeled normal', fp, mistakes.called)}
${sheet('Called normal, and labeled tumor', fn, mistakes.missed)}`;
}

function mistake({ value, ...patch }: ShownMistake): Html {
  const slide = patch.wsi === null ? null : html`<br>${shortSlide(patch.wsi)}`;
  return patchFigure(patch, { caption: html`<br>${Number(value.toPrecision(4))}${slide}` });
}

function tableSection({ result, synthetic }: PageModel): Html {
  const { slides } = result;
  return html`<p>A row for the benchmark table of <a href="https://github.com/basveeling/pcam#benchmark">PCam's README</a>, accuracy and AUC in percent${synthetic && ', if these were not synthetic patches'}:</p>
<pre><code>${benchmarkRow(result)}</code></pre>
<p>What it cannot say:</p>
<ul class="small"><li>How good the model is on other slides, beyond its interval: ${slides === null ? 'the slides are not known here' : `it was measured on ${plural(slides, 'slide')}`}.</li>
<li>How good it is on another scanner, stain or hospital: training and test slides of PCam are from the same two centers.</li>
<li>Anything about slides or patients: a label is about the center 32 x 32 px of a patch, and half of the patches have tumor.</li></ul>`;
}
