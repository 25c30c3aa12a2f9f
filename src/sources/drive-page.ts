/**
 * Google Drive's pages in place of a file: the virus-scan warning, whose form or link leads on, and refusals such as
 * the quota page. Titles are localised, so the form is what is looked for, not its words.
 */
import { Parser } from 'htmlparser2';
import { printable } from '../core/index.js';

export type DrivePage =
  /** Where the page leads: by GET, or by POST of `form` (application/x-www-form-urlencoded). */
  | { kind: 'next'; url: URL; form?: string }
  | { kind: 'quota'; title: string }
  | { kind: 'other'; title: string };

interface Form {
  readonly id: string;
  readonly action: string;
  readonly method: string;
  readonly fields: [string, string][];
}

/** What is kept of a page, however long it is. */
const MOST_FORMS = 20;
const MOST_FIELDS = 100;
const MOST_LINKS = 20;
const MOST_TEXT = 1000;

/** Reads a page piece by piece. */
export class DrivePageReader {
  readonly #url: URL;
  readonly #forms: Form[] = [];
  readonly #links: string[] = [];
  #base: string | undefined;
  #title = '';
  #caption = '';
  #refusal = false;
  #open: Form | undefined;
  #where: 'title' | 'caption' | undefined;
  readonly #parser: Parser;

  /** @param url where the page came from: what it leads to may be relative to it */
  constructor(url: URL) {
    this.#url = url;
    this.#parser = new Parser({
      onopentag: (name, attributes) => this.#opened(name, attributes),
      ontext: (text) => this.#text(text),
      onclosetag: (name) => this.#closed(name),
    });
  }

  /** @returns true when the form that leads on is whole, and nothing more is needed */
  write(html: string): boolean {
    this.#parser.write(html);
    const form = this.#form();
    return form !== undefined && form !== this.#open;
  }

  end(): DrivePage {
    this.#parser.end();
    const next = this.#next();
    if (next) return { kind: 'next', ...next };
    if (/quota/i.test(this.#title) || this.#refusal) {
      return { kind: 'quota', title: printable((this.#caption || this.#title).trim(), 200) };
    }
    return { kind: 'other', title: printable(this.#title.trim() || 'no title', 200) };
  }

  #opened(name: string, attributes: Record<string, string>): void {
    if (name === 'title') this.#where = 'title';
    if (name === 'base') this.#base ??= attributes.href;
    if (name === 'p') {
      const classes = (attributes.class ?? '').split(/\s+/);
      this.#where = classes.includes('uc-error-subcaption') ? 'caption' : undefined;
      this.#refusal ||= this.#where === 'caption';
    }
    if (name === 'form') {
      const { id = '', action = '', method = 'get' } = attributes;
      this.#open = { id, action, method: method.trim().toLowerCase(), fields: [] };
      if (this.#forms.length < MOST_FORMS) this.#forms.push(this.#open);
    }
    if (name === 'input' && this.#open && attributes.name && attributes.type?.toLowerCase() === 'hidden') {
      const { fields } = this.#open;
      if (fields.length < MOST_FIELDS) fields.push([attributes.name, attributes.value ?? '']);
    }
    const { href } = attributes;
    if (name === 'a' && href && leadsOn(href, attributes.id) && this.#links.length < MOST_LINKS)
      this.#links.push(href);
  }

  #text(text: string): void {
    if (this.#where === 'title' && this.#title.length < MOST_TEXT) this.#title += text.slice(0, MOST_TEXT);
    if (this.#where === 'caption' && this.#caption.length < MOST_TEXT)
      this.#caption += text.slice(0, MOST_TEXT);
  }

  #closed(name: string): void {
    if (name === 'title' || name === 'p') this.#where = undefined;
    if (name === 'form') this.#open = undefined;
  }

  #form(): Form | undefined {
    const sendable = this.#forms.filter(({ method }) => method === 'get' || method === 'post');
    return (
      sendable.find(({ id }) => id === 'download-form') ??
      sendable.find(({ fields }) => fields.some(([name]) => name === 'confirm'))
    );
  }

  #next(): { url: URL; form?: string } | undefined {
    const form = this.#form();
    if (form) {
      // An empty action is the page itself, whatever its base is (HTML, form submission algorithm).
      const url = form.action.trim() === '' ? new URL(this.#url) : this.#resolve(form.action);
      const fields = new URLSearchParams(form.fields).toString();
      if (url && form.method === 'post') return { url, form: fields };
      // As a browser sends a GET form: the fields replace the query of the action.
      if (url && /^https?:$/.test(url.protocol)) url.search = fields;
      if (url) return { url };
    }
    for (const link of this.#links) {
      const url = this.#resolve(link);
      if (url) return { url };
    }
    return undefined;
  }

  #resolve(reference: string): URL | undefined {
    const base = parse(this.#base ?? '', this.#url.href);
    return parse(reference, base && /^https?:$/.test(base.protocol) ? base.href : this.#url.href);
  }
}

/** The page of earlier years had a link in place of the form: `/uc?export=download&confirm=XXXX&id=ID`. */
function leadsOn(href: string, id: string | undefined): boolean {
  return id === 'uc-download-link' || /[?&]confirm=[^&]/.test(href);
}

function parse(reference: string, base: string): URL | undefined {
  return URL.canParse(reference, base) ? new URL(reference, base) : undefined;
}
