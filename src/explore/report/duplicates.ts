/** Sections 2 and 4: the contact sheet, and what occurs more than once. */
import type { SplitStats } from '../stats/index.js';
import {
  type Html,
  html,
  integer,
  labelWord,
  patchFigure,
  plural,
  scrolling,
  share,
  splitTitle,
} from './html.js';
import type { Repeat, ReportModel } from './model.js';

export function sheetSection({ sheet }: ReportModel): Html {
  const labelled = sheet.some(({ label }) => label !== null);
  const positive = sheet.filter(({ label }) => label === 1).length;
  const box = labelled
    ? 'A green box marks positive patches: tumor tissue in the center 32 x 32 px, which it surrounds.'
    : 'There are no labels in the folder, so positive patches are not marked.';
  return html`<p>${plural(sheet.length, 'patch')}${labelled && `, ${positive} of them positive`}, from as many slides as possible. ${box}</p>
<ul class="sheet">${sheet.map((patch) => patchFigure(patch))}</ul>`;
}

export function duplicatesSection({ stats, repeats }: ReportModel): Html {
  const extra = stats.splits.reduce((sum, { duplicates }) => sum + duplicates.extra, 0);
  const uniform = stats.splits.some(({ uniform }) => uniform.white + uniform.black + uniform.other > 0);
  if (extra === 0 && repeats.length === 0)
    return html`<p>All patches of a split are different. ${uniform && uniformTable(stats.splits)}</p>`;
  return html`<p>${plural(extra, 'patch')} ${extra === 1 ? 'repeats' : 'repeat'} an earlier one of the same split, pixel by pixel: ${share(extra, stats.all.patches)} of all.</p>
${scrolling(
  'Repeats within each split',
  html`<table><caption>Repeats within each split</caption><thead><tr><th scope="col">Split</th><th scope="col" class="n">Repeats</th><th scope="col" class="n">of them positive</th><th scope="col" class="n">negative</th><th scope="col" class="n">Contents repeated</th><th scope="col" class="n">Most copies of one</th><th scope="col" class="n">With both labels</th></tr></thead>
<tbody>${stats.splits.map(({ split, duplicates: d }) => html`<tr><th scope="row">${splitTitle(split)}</th><td class="n">${integer(d.extra)}</td><td class="n">${integer(d.positive)}</td><td class="n">${integer(d.negative)}</td><td class="n">${integer(d.groups)}</td><td class="n">${integer(d.largest)}</td><td class="n">${integer(d.conflicting)}</td></tr>`)}</tbody></table>`,
)}
${uniform && uniformTable(stats.splits)}
${repeats.length > 0 && html`<h3>The most repeated patches, within and across splits</h3><ul class="sheet">${repeats.map(repeated)}</ul>`}`;
}

function repeated(repeat: Repeat): Html {
  const total = repeat.copies.reduce((sum, { count }) => sum + count, 0);
  const where = repeat.copies.map(({ split, count }) => `${count} in ${split}`).join(', ');
  const caption = html`<br>${where}<br>${repeat.conflicting ? 'both labels' : labelWord(repeat.label)}`;
  return patchFigure(repeat, { over: html`<span class="times">×${integer(total)}</span>`, caption });
}

function uniformTable(splits: readonly SplitStats[]): Html {
  return html`${scrolling(
    'Patches of one color',
    html`<table><caption>Patches of one color</caption><thead><tr><th scope="col">Split</th><th scope="col" class="n">White</th><th scope="col" class="n">Black</th><th scope="col" class="n">Another color</th></tr></thead>
<tbody>${splits.map(({ split, uniform }) => html`<tr><th scope="row">${splitTitle(split)}</th><td class="n">${integer(uniform.white)}</td><td class="n">${integer(uniform.black)}</td><td class="n">${integer(uniform.other)}</td></tr>`)}</tbody></table>`,
  )}`;
}
