/**
 * Google Drive's pages in place of a file: the virus-scan warning, a form to be sent on, and refusals such as the
 * quota page. Titles are localised, so the form is what is looked for, not its words.
 */
import { Parser } from 'htmlparser2';
import { printable } from '../core/index.js';

export type DrivePage =
  | { kind: 'form'; action: URL }
  | { kind: 'quota'; title: string }
  | { kind: 'other'; title: string };

interface Form {
  id: string;
  action: string | undefined;
  method: string;
  fields: [string, string][];
}

/** @param base URL that the page came from: a form's action may be relative to it */
export function readDrivePage(html: string, base: URL): DrivePage {
  const { forms, title, text } = scan(html);
  const form =
    forms.find((f) => f.id === 'download-form') ?? forms.find((f) => f.fields.some(([n]) => n === 'confirm'));
  if (form && form.method === 'get' && URL.canParse(form.action ?? '', base.href)) {
    const action = new URL(form.action ?? '', base);
    // As a browser sends a GET form: the fields replace the query of the action.
    action.search = new URLSearchParams(form.fields).toString();
    return { kind: 'form', action };
  }
  if (/quota/i.test(title) || text['uc-error-subcaption'] !== undefined) {
    return { kind: 'quota', title: printable(text['uc-error-subcaption'] || title, 200) };
  }
  return { kind: 'other', title: printable(title || 'no title', 200) };
}

function scan(html: string) {
  const forms: Form[] = [];
  const text: Record<string, string> = Object.create(null);
  let title = '';
  let open: Form | undefined;
  let inTitle = false;
  let paragraph: string | undefined;
  const parser = new Parser({
    onopentag(name, attributes) {
      if (name === 'title') inTitle = true;
      if (name === 'p') paragraph = attributes.class;
      if (name === 'form') {
        const method = (attributes.method ?? 'get').toLowerCase();
        open = { id: attributes.id ?? '', action: attributes.action, method, fields: [] };
        forms.push(open);
      }
      if (name === 'input' && open && attributes.name && attributes.type?.toLowerCase() === 'hidden') {
        open.fields.push([attributes.name, attributes.value ?? '']);
      }
    },
    ontext(words) {
      if (inTitle) title += words;
      for (const name of paragraph?.split(/\s+/) ?? []) text[name] = (text[name] ?? '') + words;
    },
    onclosetag(name) {
      if (name === 'title') inTitle = false;
      if (name === 'p') paragraph = undefined;
      if (name === 'form') open = undefined;
    },
  });
  parser.end(html);
  return { forms, title: title.trim(), text };
}
