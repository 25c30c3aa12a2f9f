/** The frame of a page: head, contents, numbered sections and footer, in one HTML document that needs nothing else. */
import { VERSION } from '../../core/index.js';
import { Html, html } from './html.js';
import { STYLE } from './style.js';

export interface PageDocument {
  /** What kind of page it is, in two or three words. */
  readonly kicker: string;
  readonly title: string;
  /** More elements of the head. */
  readonly head?: Html;
  /** Between the title and the sections. */
  readonly top: Html;
  readonly sections: readonly { readonly id: string; readonly title: string; readonly body: Html }[];
  readonly footer: Html;
}

/** The browser enforces that the page fetches and runs nothing, whatever text the data contains. */
const POLICY =
  "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** The same content gives the same bytes. */
export function renderDocument({ kicker, title, head, top, sections, footer }: PageDocument): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="pcam ${VERSION}">
<title>${title}: ${kicker.toLowerCase()}</title>
<style>${new Html(STYLE)}</style>
${head}
</head>
<body>
<a class="skip" href="#content">Skip to content</a>
<div class="page">
<header class="top"><p class="kicker">${kicker}</p><h1>${title}</h1>
${top}</header>
<div class="columns">
<nav aria-labelledby="contents"><h2 id="contents">Contents</h2><ol>${sections.map(({ id, title: words }, i) => html`<li><a href="#${id}"><span>${i + 1}</span>${words}</a></li>`)}</ol></nav>
<main id="content">${sections.map(
    ({ id, title: words, body }, i) => html`
<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title"><span>${i + 1}</span>${words}</h2>
${body}</section>`,
  )}
</main></div>
<footer>${footer} Nothing in this page is loaded from elsewhere.</footer>
</div>
</body>
</html>
`.text;
}
