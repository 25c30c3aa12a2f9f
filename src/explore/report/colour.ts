/** Section 7: how the patches are coloured. */
import { type Channels, type SplitStats, TRAIN_CHANNELS } from '../stats/index.js';
import { ceilingOf, histogramChart } from './charts.js';
import { dataTable, decimal, type Html, html, image, integer, splitTitle, type TableRow } from './html.js';
import type { Picture, ReportModel } from './model.js';

const CHART = { width: 400, height: 190 };
const NAMES = ['red', 'green', 'blue'] as const;
const CHANNEL_COLUMNS = ['Mean', 'Std.'].flatMap((figure) => NAMES.map((name) => `${figure} ${name}`));

export function colourSection({ stats, provenance, meanPatches }: ReportModel): Html {
  return html`<ul class="keys">${NAMES.map((name, i) => html`<li class="k${i}"><i></i><span>${name}</span></li>`)}</ul>
<div class="three">${stats.splits.map(histogram)}</div>
${dataTable({
  caption: 'Mean and standard deviation of each channel, of values 0 to 255',
  columns: ['Split', ...CHANNEL_COLUMNS],
  numbers: CHANNEL_COLUMNS,
  rows: stats.splits.flatMap(({ split, channels }) => [
    channelRow(splitTitle(split), channels),
    ...(split === 'train' && provenance === 'pcam'
      ? [channelRow('Train, as published', TRAIN_CHANNELS)]
      : []),
  ]),
  last: stats.splits.length > 1 && channelRow('All', stats.all.channels),
})}
<p>For PyTorch, from all patches of the ${stats.splits[0]!.split} split, repeats included${stats.splits.length > 1 && ': the other splits must not decide'}.</p>
<pre><code>${normalize(stats.splits[0]!.channels).join('\n')}</code></pre>
${means(meanPatches)}`;
}

/** Lines of Python to paste. */
export function normalize({ mean, std }: Pick<Channels, 'mean' | 'std'>): string[] {
  const list = (values: readonly number[]) => values.map((value) => (value / 255).toFixed(5)).join(', ');
  return ['transforms.Normalize(', `    mean=[${list(mean)}],`, `    std=[${list(std)}],`, ')'];
}

function channelRow(head: string, { mean, std }: Pick<Channels, 'mean' | 'std'>): TableRow {
  return { head, cells: [...mean, ...std].map((value) => decimal(value)) };
}

function histogram({ split, channels, patches }: SplitStats): Html {
  const { mean } = channels;
  const chart = histogramChart(channels.histogram, { ...CHART, ceiling: ceilingOf(channels.histogram) });
  const id = `colors-${split}`;
  const words = `Means: red ${decimal(mean[0]!, 1)}, green ${decimal(mean[1]!, 1)}, blue ${decimal(mean[2]!, 1)}`;
  return html`<figure class="chart"><h3 id="${id}">${splitTitle(split)}</h3>
<svg viewBox="0 0 ${CHART.width} ${CHART.height}" role="img" aria-labelledby="${id} ${id}-words"><title>Histograms of the channels of ${split}</title>
${chart.ticks.map(({ x, value }) => html`<path class="grid" d="M${x} 10V${chart.bottom}"/><text x="${x}" y="${chart.bottom + 15}" text-anchor="middle">${value}</text>`)}
${chart.areas.map((d, i) => html`<path class="area c${i}" d="${d}"/>`)}${chart.lines.map((d, i) => html`<path class="line c${i}" style="fill:none" d="${d}"/>`)}
<path class="axis" d="M${chart.left} ${chart.bottom}H${chart.right}"/></svg>
<figcaption id="${id}-words">${words}; ${integer(patches)} patches.</figcaption></figure>`;
}

function means({ positive, negative }: ReportModel['meanPatches']): Html | null {
  if (!positive && !negative) return null;
  const one = (picture: Picture | null, word: string) =>
    picture &&
    html`<figure>${image(picture, `The mean of all ${word} patches`)}<figcaption>Mean of all <b>${word}</b> patches</figcaption></figure>`;
  return html`<h3>The mean patch of each class</h3><div class="means">${one(positive, 'positive')}${one(negative, 'negative')}</div>`;
}
