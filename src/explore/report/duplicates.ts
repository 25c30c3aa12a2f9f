/** Sections 2 and 4: the contact sheet, and what occurs more than once. */
import type { SplitStats } from '../stats/index.js';
import {
  dataTable,
  type Html,
  html,
  integer,
  labelWord,
  patchFigure,
  plural,
  share,
  splitTitle,
} from './html.js';
import type { Repeat, ReportModel } from './model.js';

export function sheetSection({ sheet, provenance }: ReportModel): Html {
  const labelled = sheet.some(({ label }) => label !== null);
  const positive = sheet.filter(({ label }) => label === 1).length;
  const box = labelled
    ? `A green box marks positive patches: ${provenance === 'synthetic' ? 'painted tumor' : 'tumor tissue'} in the center 32 x 32 px, which it surrounds.`
    : 'There are no labels in the folder, so positive patches are not marked.';
  return html`<p>${plural(sheet.length, 'patch')}${labelled && `, ${positive} of them positive`}, from as many slides as possible. ${box}</p>
<ul class="sheet">${sheet.map((patch) => patchFigure(patch))}</ul>`;
}

const REPEAT_COLUMNS = [
  'Repeats',
  'of them positive',
  'negative',
  'Contents repeated',
  'Most copies of one',
  'With both labels',
];

export function duplicatesSection({ stats, repeats, repeatedContents }: ReportModel): Html {
  const extra = stats.splits.reduce((sum, { duplicates }) => sum + duplicates.extra, 0);
  const uniform = stats.splits.some(({ uniform }) => uniform.white + uniform.black + uniform.other > 0);
  if (extra === 0 && repeats.length === 0)
    return html`<p>All patches of a split are different. ${uniform && uniformTable(stats.splits)}</p>`;
  return html`<p>${plural(extra, 'patch')} ${extra === 1 ? 'repeats' : 'repeat'} an earlier one of the same split, pixel by pixel: ${share(extra, stats.all.patches)} of all.</p>
${dataTable({
  caption: 'Repeats within each split',
  columns: ['Split', ...REPEAT_COLUMNS],
  numbers: REPEAT_COLUMNS,
  rows: stats.splits.map(
    ({ split, duplicates: { extra, positive, negative, groups, largest, conflicting } }) => ({
      head: splitTitle(split),
      cells: [extra, integer(positive), integer(negative), groups, largest, integer(conflicting)],
    }),
  ),
})}
${uniform && uniformTable(stats.splits)}
${repeats.length > 0 && html`<h3>The most repeated patches, within and across splits: ${repeats.length} of ${integer(repeatedContents)}</h3><ul class="sheet">${repeats.map(repeated)}</ul>`}`;
}

function repeated(repeat: Repeat): Html {
  const total = repeat.copies.reduce((sum, { count }) => sum + count, 0);
  const where = repeat.copies.map(({ split, count }) => `${count} in ${split}`).join(', ');
  const caption = html`<br>${where}<br>${repeat.conflicting ? 'both labels' : labelWord(repeat.label)}`;
  return patchFigure(repeat, { over: html`<span class="times">×${integer(total)}</span>`, caption });
}

function uniformTable(splits: readonly SplitStats[]): Html {
  const columns = ['White', 'Black', 'Another color'];
  return dataTable({
    caption: 'Patches of one color',
    columns: ['Split', ...columns],
    numbers: columns,
    rows: splits.map(({ split, uniform: { white, black, other } }) => ({
      head: splitTitle(split),
      cells: [white, black, other],
    })),
  });
}
