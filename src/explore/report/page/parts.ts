/** What several sections have: patches as figures, pictures, and tables that scroll where they are too wide. */
import type { Picture, ShownPatch } from '../model/index.js';
import { dataUrl, type Html, html } from './html.js';
import { labelWord, shortSlide } from './words.js';

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

/** Without a mouse, too, what scrolls can be reached; its name says what it is. */
export function scrolling(name: string, table: Html): Html {
  return html`<div class="scroll" role="region" aria-label="${name}" tabindex="0">${table}</div>`;
}
