/** Sections 3 and 5: the splits, and what they have in common. */
import type { SplitName } from '../../manifest/index.js';
import { KAGGLE_PATCHES, type SplitStats, type Totals } from '../stats/index.js';
import {
  dataTable,
  type Html,
  html,
  integer,
  listOf,
  plural,
  scrolling,
  share,
  splitTitle,
  type TableRow,
} from './html.js';
import type { ReportModel } from './model.js';

export function splitsSection({ stats, provenance }: ReportModel): Html {
  const slides = stats.splits.every((split) => split.slides !== null);
  const counts = ['Patches', 'Positive', 'Negative'];
  const columns = [
    'Split',
    ...counts,
    'Positive share',
    'Unique',
    'Unique share',
    ...(slides ? ['Slides'] : []),
  ];
  const row = (head: string, totals: Totals, ownSlides: number | string | null): TableRow => {
    const { patches, positive, negative, unique } = totals;
    const shares = {
      positive: positive === null ? '–' : withMeter(positive, patches, ''),
      unique: withMeter(unique, patches, 'plain'),
    };
    const cells = [patches, integer(positive), integer(negative), shares.positive, unique, shares.unique];
    return { head, cells: slides ? [...cells, ownSlides ?? ''] : cells };
  };
  return html`${dataTable({
    caption: 'Patches of each split; unique ones have different pixels',
    columns,
    numbers: [...counts, 'Unique', 'Slides'],
    rows: stats.splits.map((split) => row(splitTitle(split.split), split, split.slides)),
    last: stats.splits.length > 1 && row('All', stats.all, ''),
  })}
${provenance === 'pcam' && kaggle(stats.splits)}`;
}

function withMeter(part: number, whole: number, style: string): Html {
  return html`${meter(part, whole, style)} <span class="num">${share(part, whole)}</span>`;
}

function meter(part: number, whole: number, style: string): Html {
  return html`<span class="meter ${style}" aria-hidden="true"><i style="width:${((100 * part) / Math.max(1, whole)).toFixed(1)}%"></i></span>`;
}

function kaggle(splits: readonly SplitStats[]): Html {
  const rows = KAGGLE_PATCHES.flatMap((one) => {
    const own = one.splits.map((name) => splits.find(({ split }) => split === name));
    if (own.some((split) => split === undefined)) return [];
    const unique = own.reduce((sum, split) => sum + split!.unique, 0);
    return [
      html`<li>${listOf(one.splits)}: <span class="num">${integer(unique)}</span> unique patches here, <span class="num">${integer(one.patches)}</span> in Kaggle's version</li>`,
    ];
  });
  if (rows.length === 0) return html``;
  return html`<p class="soft small">Kaggle's <i>Histopathologic Cancer Detection</i> describes itself as PCam without duplicates:</p><ul class="small soft">${rows}</ul>`;
}

export function leakageSection({ stats }: ReportModel): Html {
  const names = stats.splits.map(({ split }) => split);
  if (names.length < 2) {
    return html`<p class="empty">Only ${names[0]} is in this report, so there is nothing that it could share.</p>`;
  }
  const slidesKnown = stats.splits.every(({ slides }) => slides !== null);
  const patches = stats.shared.reduce((sum, pair) => sum + pair.patches, 0);
  const slides = stats.shared.reduce((sum, pair) => sum + (pair.slides ?? 0), 0);
  return html`<p>${verdict(patches, slidesKnown ? slides : null)}</p><div class="pair">
${slidesKnown ? matrix({ title: 'Slides in common', names, own: (split) => split.slides!, between: (pair) => pair.slides!, model: stats }) : html`<p class="empty">Without the meta CSV of every split, it is unknown whether splits share slides.</p>`}
${matrix({ title: 'Pixel contents in common', names, own: (split) => split.unique, between: (pair) => pair.patches, model: stats })}</div>
<p class="soft small">On the diagonal: all slides, or all different contents, of the split.</p>`;
}

function verdict(patches: number, slides: number | null): string {
  const shared =
    patches > 0
      ? `${plural(patches, 'pixel content')} ${patches === 1 ? 'occurs' : 'occur'} in more than one split`
      : 'No pixel content occurs in two splits';
  if (slides === null) return `${shared}.`;
  return slides > 0
    ? `${shared}; ${plural(slides, 'slide')} ${slides === 1 ? 'is' : 'are'} in more than one split.`
    : `${shared}${patches > 0 ? ', but' : ', and'} no slide is in two splits.`;
}

interface Matrix {
  title: string;
  names: readonly SplitName[];
  own: (split: SplitStats) => number;
  between: (pair: ReportModel['stats']['shared'][number]) => number;
  model: ReportModel['stats'];
}

function matrix({ title, names, own, between, model }: Matrix): Html {
  const value = (a: SplitName, b: SplitName) => {
    const pair = model.shared.find(({ splits }) => splits.includes(a) && splits.includes(b));
    return pair ? between(pair) : 0;
  };
  const most = Math.max(1, ...names.flatMap((a) => names.map((b) => (a === b ? 0 : value(a, b)))));
  const cell = (a: SplitName, b: SplitName) => {
    if (a === b)
      return html`<td class="own">${integer(own(model.splits.find(({ split }) => split === a)!))}</td>`;
    const n = value(a, b);
    if (n === 0) return html`<td>0</td>`;
    const heat = 0.12 + 0.3 * (n / most);
    return html`<td style="background:rgb(var(--heat) / ${heat.toFixed(2)})">${integer(n)}</td>`;
  };
  return html`${scrolling(
    title,
    html`<table class="matrix"><caption>${title}</caption><thead><tr><td></td>${names.map((name) => html`<th scope="col">${splitTitle(name)}</th>`)}</tr></thead>
<tbody>${names.map((a) => html`<tr><th scope="row">${splitTitle(a)}</th>${names.map((b) => cell(a, b))}</tr>`)}</tbody></table>`,
  )}`;
}
