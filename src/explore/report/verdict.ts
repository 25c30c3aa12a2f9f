/** Section 1: whether the files match the manifest, with their digests, and the findings. */
import { formatBytes, VERSION } from '../../core/index.js';
import { type Html, html, integer, plural, scrolling } from './html.js';
import type { FileStatus, ReportFile, ReportModel } from './model.js';

type Verdict = 'verified' | 'incomplete' | 'wrong';

function verdictOf(files: readonly ReportFile[]): Verdict {
  if (files.some(({ status }) => status === 'wrong')) return 'wrong';
  return files.every(({ status }) => status === 'ok') ? 'verified' : 'incomplete';
}

const BADGE: Record<Verdict, { style: string; sign: Html; words: string }> = {
  verified: { style: '', sign: sign('M3 8.6l3.2 3.2L13 4.8'), words: 'Verified' },
  incomplete: { style: 'part', sign: sign('M8 3.2v5.6M8 12.1v.4'), words: 'Verified in part' },
  wrong: { style: 'bad', sign: sign('M4 4l8 8M12 4l-8 8'), words: 'Not verified' },
};

/** The verdict in a few words, at the top of the page. */
export function badge({ files }: ReportModel): Html {
  const { style, sign, words } = BADGE[verdictOf(files)];
  const right = files.filter(({ status }) => status === 'ok').length;
  return html`<p class="verdict ${style}">${sign}<span>${words}: ${right} of ${plural(files.length, 'file')} match the manifest</span></p>`;
}

const STATES: Record<FileStatus, { words: string; style: string }> = {
  ok: { words: 'verified', style: '' },
  missing: { words: 'missing', style: 'part' },
  unchecked: { words: 'not checked', style: 'part' },
  wrong: { words: 'other bytes', style: 'bad' },
};

export function verdictSection(model: ReportModel): Html {
  const { files, manifest, stats } = model;
  return html`<p>${sentence(model)}</p>
${scrolling(
  'Files',
  html`<table class="files"><caption>The files of the manifest <b>${manifest.dataset}</b>, checked by pcam ${VERSION}</caption>
<thead><tr><th scope="col">File</th><th scope="col" class="n">Size</th><th scope="col">State</th><th scope="col">MD5 of the manifest</th></tr></thead>
<tbody>${files.map(row)}</tbody></table>`,
)}
${archives(files)}
${findingsOf(stats.findings)}`;
}

/** Warnings and errors are shown, the rest is folded. */
function findingsOf(findings: ReportModel['stats']['findings']): Html | null {
  const list = (some: typeof findings) =>
    html`<ul class="findings">${some.map(({ level, message }) => html`<li class="${level}">${message}</li>`)}</ul>`;
  const notable = findings.filter(({ level }) => level !== 'info');
  const rest = findings.filter(({ level }) => level === 'info');
  if (findings.length === 0) return null;
  return html`<h3>Findings</h3>${notable.length > 0 ? list(notable) : html`<p>Nothing that needs attention.</p>`}
${rest.length > 0 && html`<details class="print"><summary>${plural(rest.length, 'observation')}</summary>${list(rest)}</details>`}`;
}

function row({ name, status, bytes, md5 }: ReportFile): Html {
  const { words, style } = STATES[status];
  return html`<tr><th scope="row">${shortFile(name)}</th><td class="n bytes">${bytes === null ? '–' : html`<span title="${integer(bytes)} bytes">${formatBytes(bytes)}</span>`}</td><td class="state ${style}">${words}</td><td class="digest">${md5}</td></tr>\n`;
}

/** The archives' SHA-256, to cite the exact bytes. */
function archives(files: readonly ReportFile[]): Html | null {
  const known = files.filter(({ sha256 }) => sha256 !== null);
  if (known.length === 0) return null;
  return html`<details><summary>SHA-256 of the published archives</summary>${scrolling(
    'SHA-256 of the archives',
    html`<table><thead><tr><th scope="col">Archive of</th><th scope="col">SHA-256</th></tr></thead>
<tbody>${known.map(({ name, sha256 }) => html`<tr><th scope="row">${shortFile(name)}</th><td class="digest">${sha256}</td></tr>`)}</tbody></table>`,
  )}</details>`;
}

function sentence({ files, provenance }: ReportModel): Html {
  const of = provenance === 'pcam' ? 'the published data set' : 'the data set that the manifest describes';
  const wrong = files.filter(({ status }) => status === 'wrong');
  const missing = files.filter(({ status }) => status !== 'ok' && status !== 'wrong');
  if (wrong.length > 0) {
    return html`The figures below are <strong>not those of ${of}</strong>: ${plural(wrong.length, 'file')} in the folder ${wrong.length === 1 ? 'holds' : 'hold'} other bytes. <code>pcam verify</code> shows the details.`;
  }
  if (missing.length > 0) {
    return html`What was checked is, byte for byte, that of ${of}; ${plural(missing.length, 'file')} of it ${missing.length === 1 ? 'is' : 'are'} not here, so that the figures below do not tell all.`;
  }
  return html`Every byte is that of ${of}: each file was read and its MD5 compared.`;
}

function shortFile(name: string): string {
  return name.replace(/^camelyonpatch_level_2_split_/, '');
}

function sign(path: string): Html {
  return html`<svg viewBox="0 0 16 16" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"><path d="${path}"/></svg>`;
}
