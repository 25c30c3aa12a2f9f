/** HTML from templates in which whatever is put in is escaped, unless it is HTML itself. */

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

/** Outside text made safe, in content and in quoted attributes. */
export function escapeHtml(text: string): string {
  // Control characters have no place in HTML; those that turn the direction of writing could make names lie.
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
export function dataUrl(png: Uint8Array): string {
  return `data:image/png;base64,${Buffer.from(png.buffer, png.byteOffset, png.length).toString('base64')}`;
}
