/** Google Drive's pages are told apart by their forms, not by their words. */
import { describe, expect, it } from 'vitest';
import { parseDrivePage } from '#pcam/sources/drive-page.js';

const BASE = new URL('https://drive.usercontent.google.com/download?id=ID&export=download');

const field = (name: string, value: string, type = 'hidden') =>
  `<input type="${type}" name="${name}" value="${value}">`;

function scanPage({
  title = 'Google Drive - Virus scan warning',
  action = 'https://drive.usercontent.google.com/download',
  fields = field('id', 'ID') + field('export', 'download') + field('confirm', 't') + field('uuid', 'u-1'),
  form = 'id="download-form" method="get"',
} = {}): string {
  return (
    `<!DOCTYPE html><html><head><title>${title}</title><style>p{}</style></head><body>` +
    `<p class="uc-warning-caption">Google Drive can't scan this file for viruses.</p>` +
    `<form ${form} action="${action}"><input type="submit" id="uc-download-link" value="Download anyway">` +
    `${fields}</form></body></html>`
  );
}

function query(html: string): Record<string, string> {
  const page = parseDrivePage(html, BASE);
  if (page.kind !== 'next') throw new Error(`a page of kind ${page.kind}`);
  return Object.fromEntries(page.url.searchParams);
}

describe('the virus-scan page', () => {
  it('leads to its action, with all hidden fields', () => {
    const fields =
      field('id', 'ID') +
      field('export', 'download') +
      field('authuser', '0') +
      field('confirm', 't') +
      field('uuid', '8d9f-1') +
      field('at', 'APZU:1&amp;2');
    const page = parseDrivePage(scanPage({ fields }), BASE);
    expect(page).toMatchObject({ kind: 'next' });
    expect(page.kind === 'next' && page.url.href.split('?')[0]).toBe(
      'https://drive.usercontent.google.com/download',
    );
    expect(query(scanPage({ fields }))).toEqual({
      id: 'ID',
      export: 'download',
      authuser: '0',
      confirm: 't',
      uuid: '8d9f-1',
      at: 'APZU:1&2',
    });
  });

  it.each(['Google Drive – Warnung vor Viren', 'Google ドライブ - ウイルス スキャンの警告', 'quota', ''])(
    'is known under the title %j',
    (title) => {
      expect(parseDrivePage(scanPage({ title }), BASE).kind).toBe('next');
    },
  );

  it('may have a relative action, or none', () => {
    const at = (action: string) => {
      const page = parseDrivePage(scanPage({ action }), BASE);
      return page.kind === 'next' ? page.url.href.split('?')[0] : page.kind;
    };
    expect(at('/other')).toBe('https://drive.usercontent.google.com/other');
    expect(at('')).toBe('https://drive.usercontent.google.com/download');
  });

  it('has its fields in place of the query of the action, as a browser sends them', () => {
    expect(
      query(scanPage({ action: 'https://drive.usercontent.google.com/download?old=1' })).old,
    ).toBeUndefined();
  });

  it('is known by its confirm field when the id of the form has changed', () => {
    expect(parseDrivePage(scanPage({ form: 'id="other" method="GET"' }), BASE).kind).toBe('next');
  });

  it('is chosen among other forms', () => {
    const search = `<form action="/search" method="get">${field('q', '')}</form>`;
    expect(query(scanPage().replace('<body>', `<body>${search}`)).confirm).toBe('t');
  });

  it('is read whatever the order and quotes of its attributes', () => {
    const fields = "<INPUT NAME=confirm VALUE='t' TYPE=HIDDEN /><input value=ID type=hidden name=id>";
    expect(query(scanPage({ fields }))).toEqual({ confirm: 't', id: 'ID' });
  });
});

describe('other ways on', () => {
  const at = (html: string) => {
    const page = parseDrivePage(html, BASE);
    return page.kind === 'next' ? [page.url.href, page.form] : page.kind;
  };

  it('a form that posts sends its fields in the body, and keeps the query of its action', () => {
    const html = scanPage({
      form: 'id="download-form" method="POST"',
      action: '/dl?x=1',
      fields: field('confirm', 'a b'),
    });
    expect(at(html)).toEqual(['https://drive.usercontent.google.com/dl?x=1', 'confirm=a+b']);
  });

  it('a base URL is what the action is relative to, unless it is empty', () => {
    const base = (html: string) =>
      html.replace('<head>', '<head><base href="https://other.example/a/b"><base href="/no">');
    const fields = field('confirm', 't');
    expect(at(base(scanPage({ action: 'dl', fields })))).toEqual([
      'https://other.example/a/dl?confirm=t',
      undefined,
    ]);
    expect(at(base(scanPage({ action: '', fields })))).toEqual([
      `${BASE.origin}/download?confirm=t`,
      undefined,
    ]);
    expect(
      at(scanPage({ action: 'dl', fields }).replace('<head>', '<head><base href="javascript:x">')),
    ).toEqual([`${BASE.origin}/dl?confirm=t`, undefined]);
  });

  it.each([
    '<a id="uc-download-link" class="x" href="/uc?export=download&amp;confirm=AbC_&amp;id=ID">Download anyway</a>',
    '<a href="/about">?</a><a href="/uc?export=download&amp;confirm=AbC_&amp;id=ID">Download anyway</a>',
  ])('the link of earlier years: %s', (html) => {
    expect(at(html)).toEqual([`${BASE.origin}/uc?export=download&confirm=AbC_&id=ID`, undefined]);
  });

  it('a form goes before a link', () => {
    expect(at(`<a href="/uc?confirm=no">x</a>${scanPage({ fields: field('confirm', 't') })}`)).toEqual([
      'https://drive.usercontent.google.com/download?confirm=t',
      undefined,
    ]);
  });
});

describe('other pages', () => {
  it.each([
    [
      'the quota page',
      '<html><head><title>Google Drive - Quota exceeded</title></head><body><p class="uc-error-caption">Sorry</p>' +
        '<p class="uc-error-subcaption">Too many users have viewed or downloaded this file recently.</p></body></html>',
      'quota',
    ],
    ['the quota page by title alone', '<title>Google Drive - Quota exceeded</title>', 'quota'],
    ['a localised quota page', '<title>Fehler</title><p class="x uc-error-subcaption">Zu viele</p>', 'quota'],
    ['a login page', '<title>Sign in</title><form method="post" action="/login"></form>', 'other'],
    ['a form that is a dialog', scanPage({ form: 'id="download-form" method="dialog"' }), 'other'],
    ['a form to no URL', scanPage({ action: 'http://[' }), 'other'],
    ['nothing', '', 'other'],
    ['garbage', '\0<<<>>><title', 'other'],
    ['half a page', scanPage().slice(0, 120), 'other'],
    ['a class of every object', '<p class="constructor __proto__">x</p>', 'other'],
  ])('%s', (_, html, kind) => {
    expect(parseDrivePage(html, BASE).kind).toBe(kind);
  });

  it('keeps what the page says, safe for a terminal', () => {
    const page = parseDrivePage(`<title>a\u001b[31mb${'c'.repeat(1000)}</title>`, BASE);
    expect(page.kind === 'other' && page.title).toMatch(/^a\\x1b\[31mbc+…$/);
  });
});
