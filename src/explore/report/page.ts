/** The page: its head, the key figures, the contents, and eight sections. */
import { HOMEPAGE, VERSION } from '../../core/index.js';
import type { Provenance } from '../../manifest/index.js';
import { colourSection } from './colour.js';
import { renderDocument } from './document.js';
import { duplicatesSection, sheetSection } from './duplicates.js';
import { type Html, html, integer, listOf, plural, scriptJson, share } from './html.js';
import { loadingSection } from './loading.js';
import type { ReportModel } from './model.js';
import { slidesSection } from './slides.js';
import { leakageSection, splitsSection } from './splits.js';
import { badge, verdictSection } from './verdict.js';

const LICENSES: Record<string, string> = { 'CC0-1.0': 'https://creativecommons.org/publicdomain/zero/1.0/' };

interface Section {
  readonly id: string;
  readonly title: string;
  render(model: ReportModel): Html;
}

const SECTIONS: readonly Section[] = [
  { id: 'verdict', title: 'Verdict', render: verdictSection },
  { id: 'patches', title: 'Some patches', render: sheetSection },
  { id: 'splits', title: 'Splits', render: splitsSection },
  { id: 'duplicates', title: 'Duplicates', render: duplicatesSection },
  { id: 'leakage', title: 'Leakage between splits', render: leakageSection },
  { id: 'slides', title: 'Slides', render: slidesSection },
  { id: 'color', title: 'Color', render: colourSection },
  { id: 'loading', title: 'Load and cite', render: loadingSection },
];

/** The whole HTML document. The same model gives the same bytes. */
export function renderPage(model: ReportModel): string {
  return renderDocument({
    kicker: 'Data set report',
    title: titleOf(model),
    head: html`<script type="application/ld+json">${scriptJson(jsonLd(model))}</script>`,
    top: html`<p class="lede">${lede(model)}</p>${badge(model)}
${figures(model)}`,
    sections: SECTIONS.map(({ id, title, render }) => ({ id, title, body: render(model) })),
    footer: html`Written by pcam ${VERSION} from the files listed under <a href="#verdict">Verdict</a>.`,
  });
}

const TITLES: Record<Exclude<Provenance, 'unknown'>, string> = {
  pcam: 'PatchCamelyon',
  'subset of pcam': 'A subset of PatchCamelyon',
  synthetic: 'Synthetic data in the layout of PatchCamelyon',
};

function titleOf({ provenance, manifest }: ReportModel): string {
  return provenance === 'unknown' ? manifest.dataset : TITLES[provenance];
}

function lede({ stats, provenance }: ReportModel): string {
  const { patches, positive } = stats.all;
  const names = listOf(stats.splits.map(({ split }) => split));
  const tumor = provenance === 'synthetic' ? 'painted tumor' : 'tumor tissue';
  const labels =
    positive === null
      ? 'with no labels in the folder'
      : `${share(positive, patches)} of them with ${tumor} in the center 32 x 32 px`;
  const what =
    provenance === 'synthetic' ? 'drawn by pcam, with no tissue in them' : 'of lymph node sections';
  return `${plural(patches, 'patch')} ${what}, 96 x 96 px, in ${names}, ${labels}.`;
}

function figures({ stats, files, slides }: ReportModel): Html {
  const { patches, positive, unique } = stats.all;
  const known = slides.every((split) => split.slides !== null);
  const wsi = new Set(slides.flatMap((split) => split.slides?.map((slide) => slide.wsi) ?? []));
  const right = files.filter(({ status }) => status === 'ok').length;
  const items: [string, string, string | null][] = [
    ['Patches', integer(patches), `in ${plural(stats.splits.length, 'split')}`],
    ['Unique', integer(unique), share(unique, patches)],
    ['Positive', integer(positive), positive === null ? 'no labels' : share(positive, patches)],
    ['Slides', known ? integer(wsi.size) : '–', known ? null : 'no meta CSV'],
    ['Files verified', `${right} of ${files.length}`, null],
  ];
  return html`<dl class="figures">${items.map(([name, value, note]) => html`<div><dt>${name}</dt><dd>${value}${note !== null && html`<span class="note">${note}</span>`}</dd></div>`)}</dl>`;
}

/** What search engines and tools read of the report: schema.org in JSON-LD. */
function jsonLd(model: ReportModel): object {
  const { manifest, files, stats, provenance } = model;
  const { homepage, license, citation } = manifest;
  const synthetic = provenance === 'synthetic';
  return {
    '@context': 'https://schema.org/',
    '@type': 'Dataset',
    name: provenance === 'pcam' ? 'PatchCamelyon (PCam)' : titleOf(model),
    description: synthetic
      ? `${integer(stats.all.patches)} synthetic RGB patches of 96 x 96 px, drawn by pcam for tests. There is no tissue in them.`
      : `${integer(stats.all.patches)} RGB patches of 96 x 96 px from lymph node sections, labeled by whether the center 32 x 32 px contain tumor tissue.`,
    ...(homepage && { url: homepage }),
    ...(license && { license: LICENSES[license] ?? license }),
    citation: [...citation],
    ...(!synthetic && { measurementTechnique: 'whole-slide imaging of H&E-stained sections' }),
    variableMeasured: stats.splits.flatMap(({ split, patches, unique }) => [
      { '@type': 'PropertyValue', name: `patches of ${split}`, value: patches },
      { '@type': 'PropertyValue', name: `unique patches of ${split}`, value: unique },
    ]),
    distribution: files.map(({ name, bytes, md5 }) => ({
      '@type': 'DataDownload',
      name,
      encodingFormat: name.endsWith('.csv') ? 'text/csv' : 'application/x-hdf5',
      ...(bytes !== null && { contentSize: `${bytes} B` }),
      identifier: `md5:${md5}`,
    })),
    creator: {
      '@type': 'SoftwareApplication',
      name: 'pcam',
      softwareVersion: VERSION,
      ...(HOMEPAGE && { url: HOMEPAGE }),
    },
  };
}
