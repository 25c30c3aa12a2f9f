/** The building blocks of the sections: templates that escape, formatted numbers and names, figures and tables. */
import { formatInteger } from '../../core/index.js';
import type { SplitName } from '../../manifest/index.js';
import type { Picture, ShownPatch } from './model.js';

/** Text that is HTML already. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type HtmlPart = Html | string | number | null | undefined | false | readonly HtmlPart[];

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Escapes untrusted text for content and for quoted attributes. */
export function escapeHtml(text: string): string {
  // HTML allows no control characters, and bidirectional overrides could disguise a name.
  return text
    .replace(/[&<>"']/g, (character) => ENTITIES[character]!)
    .replace(
      /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
      '\ufffd',
    );
}

/** A template: `html\`<td>${name}</td>\``. Lists are joined; `null`, `undefined` and `false` are nothing. */
export function html(texts: TemplateStringsArray, ...pieces: readonly HtmlPart[]): Html {
  return new Html(texts.map((text, i) => text + (i < pieces.length ? render(pieces[i]) : '')).join(''));
}

function render(piece: HtmlPart): string {
  if (piece instanceof Html) return piece.text;
  if (Array.isArray(piece)) return piece.map(render).join('');
  if (piece === null || piece === undefined || piece === false) return '';
  return escapeHtml(String(piece));
}

/** JSON inside of a script element: nothing in it can end the element. */
export function scriptJson(value: unknown): Html {
  return new Html(
    JSON.stringify(value, null, 1).replace(
      /[<>&\u2028\u2029]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
  );
}

/** A PNG inside of the page. */
function dataUrl(png: Uint8Array): string {
  return `data:image/png;base64,${Buffer.from(png.buffer, png.byteOffset, png.length).toString('base64')}`;
}

const LETTERS: Record<SplitName, string> = { train: 'Train', valid: 'Valid', test: 'Test' };

export function splitTitle(split: SplitName): string {
  return LETTERS[split];
}

/** `262,144`; a dash for what is unknown. */
export function integer(value: number | null): string {
  return value === null ? '–' : formatInteger(value);
}

/** `49.98 %`, of a whole. */
export function share(part: number | null, whole: number, digits = 1): string {
  if (part === null || whole === 0) return '–';
  const percent = (100 * part) / whole;
  // A small share is not shown as 0 %, and nearly all is not shown as 100 %.
  const least = 10 ** -digits;
  if (part > 0 && percent < least) return `< ${least}\u00a0%`;
  if (part < whole && percent > 100 - least) return `> ${100 - least}\u00a0%`;
  return `${percent.toFixed(digits)}\u00a0%`;
}

export function decimal(value: number, digits = 2): string {
  return value.toFixed(digits);
}

/** `1 slide`, `3 slides`. */
export function plural(n: number, noun: string): string {
  return `${integer(n)} ${noun}${n === 1 ? '' : noun.endsWith('patch') ? 'es' : noun.endsWith('copy') ? '' : 's'}`;
}

/** `train, valid and test`. */
export function listOf(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** A slide's name without what all slides of Camelyon16 begin with. */
export function shortSlide(wsi: string): string {
  return wsi.replace(/^camelyon16_(train_)?/, '').replaceAll('_', ' ');
}

/** `Tumor`, `normal`, or unknown. */
export function labelWord(label: 0 | 1 | null): string {
  return label === null ? 'label unknown' : label === 1 ? 'positive' : 'negative';
}

/** @param more what goes over the picture and into the caption */
export function patchFigure(patch: ShownPatch, more: { over?: Html; caption?: Html } = {}): Html {
  const { split, index, label, wsi, picture } = patch;
  const slide = wsi === null ? null : html`<br>${shortSlide(wsi)}`;
  const alt = `Patch ${index} of ${split}, ${labelWord(label)}`;
  return html`<li><figure class="patch ${label === 1 ? 'positive' : ''}"><span class="frame">${image(picture, alt)}</span>${more.over}
<figcaption><b>${split} ${index}</b>${more.caption ?? slide}</figcaption></figure></li>`;
}

export function image({ png, width, height }: Picture, alt: string): Html {
  return html`<img src="${dataUrl(png)}" width="${width}" height="${height}" alt="${alt}">`;
}

export interface TableRow {
  /** What the row is about. */
  readonly head: Html | string;
  /** One for each further column; numbers stand to the right. */
  readonly cells: readonly (Html | number | string)[];
}

/**
 * A table with a header row. On a phone each row becomes a block, in which every value has the title of its column.
 * @param options.numbers titles of the columns that hold numbers
 * @param options.last the row that sums up
 */
export function dataTable(options: {
  caption: Html | string;
  columns: readonly string[];
  numbers: readonly string[];
  rows: readonly TableRow[];
  last?: TableRow | false;
}): Html {
  const { caption, columns, numbers, rows, last } = options;
  const [first, ...others] = columns;
  const kind = (title: string) => (numbers.includes(title) ? 'n' : '');
  const row = ({ head, cells }: TableRow) =>
    html`<tr><th scope="row">${head}</th>${cells.map((cell, i) => html`<td class="${kind(others[i]!)}" data-title="${others[i]}">${typeof cell === 'number' ? integer(cell) : cell}</td>`)}</tr>\n`;
  return html`<table class="data"><caption>${caption}</caption>
<thead><tr><th scope="col">${first}</th>${others.map((title) => html`<th scope="col" class="${kind(title)}">${title}</th>`)}</tr></thead>
<tbody>${rows.map(row)}</tbody>${last && html`<tfoot>${row(last)}</tfoot>`}</table>`;
}

/** A region that scrolls can be reached by keyboard, and has a name for screen readers. */
export function scrolling(name: string, table: Html): Html {
  return html`<div class="scroll" role="region" aria-label="${name}" tabindex="0">${table}</div>`;
}
