/**
 * Google Drive's pages in place of a file: the virus-scan warning, whose form or link leads on, and refusals such as
 * the quota page. Titles are localised, so the form decides, not the words.
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

interface Elements {
  readonly forms: Form[];
  /** Targets of links that lead on. */
  readonly links: string[];
  base: string | undefined;
  title: string;
  /** Text of the paragraph that explains a refusal; undefined where there is none. */
  refusal: string | undefined;
}

/** @param page where the page came from: what it leads to may be relative to it */
export function parseDrivePage(html: string, page: URL): DrivePage {
  const elements = parseElements(html);
  const next = nextRequest(elements, page);
  if (next) return { kind: 'next', ...next };
  const { title, refusal } = elements;
  if (refusal !== undefined || /quota/i.test(title)) {
    return { kind: 'quota', title: printable((refusal || title).trim(), 200) };
  }
  return { kind: 'other', title: printable(title.trim() || 'no title', 200) };
}

function parseElements(html: string): Elements {
  const elements: Elements = { forms: [], links: [], base: undefined, title: '', refusal: undefined };
  let form: Form | undefined;
  let text: 'title' | 'refusal' | undefined;
  const parser = new Parser({
    onopentag(name, { href, id = '', ...attributes }) {
      if (name === 'title') text = 'title';
      if (name === 'base') elements.base ??= href;
      if (name === 'p') {
        const isRefusal = (attributes.class ?? '').split(/\s+/).includes('uc-error-subcaption');
        text = isRefusal ? 'refusal' : undefined;
        if (isRefusal) elements.refusal ??= '';
      }
      if (name === 'form') {
        const { action = '', method = 'get' } = attributes;
        form = { id, action, method: method.trim().toLowerCase(), fields: [] };
        elements.forms.push(form);
      }
      if (name === 'input' && attributes.name && attributes.type?.toLowerCase() === 'hidden') {
        form?.fields.push([attributes.name, attributes.value ?? '']);
      }
      // The page of earlier years had a link in place of the form: `/uc?export=download&confirm=XXXX&id=ID`.
      if (name === 'a' && href && (id === 'uc-download-link' || /[?&]confirm=[^&]/.test(href))) {
        elements.links.push(href);
      }
    },
    ontext(more) {
      if (text !== undefined) elements[text] = `${elements[text] ?? ''}${more}`;
    },
    onclosetag(name) {
      if (name === 'title' || name === 'p') text = undefined;
      if (name === 'form') form = undefined;
    },
  });
  parser.end(html);
  return elements;
}

function nextRequest({ forms, links, base }: Elements, page: URL): { url: URL; form?: string } | undefined {
  const baseUrl = parseUrl(base ?? '', page.href);
  const isWeb = (url: URL | undefined) => url !== undefined && /^https?:$/.test(url.protocol);
  const resolve = (reference: string) => parseUrl(reference, isWeb(baseUrl) ? baseUrl!.href : page.href);
  const sendable = forms.filter(({ method }) => method === 'get' || method === 'post');
  const form =
    sendable.find(({ id }) => id === 'download-form') ??
    sendable.find(({ fields }) => fields.some(([name]) => name === 'confirm'));
  // An empty action is the page itself, whatever its base is (HTML, form submission algorithm).
  const url = form && (form.action.trim() === '' ? new URL(page) : resolve(form.action));
  if (form && url) {
    const fields = new URLSearchParams(form.fields).toString();
    if (form.method === 'post') return { url, form: fields };
    // As a browser sends a GET form: the fields replace the query of the action.
    if (isWeb(url)) url.search = fields;
    return { url };
  }
  const link = links.map(resolve).find((target) => target !== undefined);
  return link && { url: link };
}

function parseUrl(reference: string, base: string): URL | undefined {
  return URL.canParse(reference, base) ? new URL(reference, base) : undefined;
}
