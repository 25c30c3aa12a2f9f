/** Which cookies are kept, and who gets them back. */
import { describe, expect, it } from 'vitest';
import { CookieJar, parseCookiesFile } from '#pcam/sources/cookies.js';
import { pcamError } from '../support/outcome.js';

const PAGE = 'https://drive.example.com/a/page';

function sent(line: string, to: string, from = PAGE): string | undefined {
  const jar = new CookieJar();
  jar.store(new URL(from), [line]);
  return jar.header(new URL(to));
}

it.each<[string, string, string | undefined, string?]>([
  ['a=1', 'https://drive.example.com/a/x', 'a=1'],
  ['a=1', 'https://drive.example.com/b', undefined],
  ['a=1; Path=/', 'https://drive.example.com/b', 'a=1'],
  ['a=1; Path=/a', 'https://drive.example.com/ab', undefined],
  ['a=1; Path=/', 'https://usercontent.example.com/', undefined],
  ['a=1; Path=/; Domain=example.com', 'https://usercontent.example.com/', 'a=1'],
  ['a=1; Path=/; domain=.example.com', 'https://example.com/', 'a=1'],
  ['a=1; Path=/; Domain=example.com', 'https://badexample.com/', undefined],
  ['a=1; Path=/; Domain=com', 'https://other.com/', undefined],
  ['a=1; Path=/; Domain=other.com', 'https://other.com/', undefined],
  ['a=1; Path=/; Secure', 'http://drive.example.com/', undefined],
  ['a=1; Path=/', 'http://drive.example.com/', 'a=1'],
  ['a=1; Path=/; Max-Age=0', 'https://drive.example.com/', undefined],
  ['a=1; Path=/; Max-Age=60', 'https://drive.example.com/', 'a=1'],
  ['a=1; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT', 'https://drive.example.com/', undefined],
  ['a=; Path=/', 'https://drive.example.com/', 'a='],
  ['a="x y"; Path=/', 'https://drive.example.com/', 'a="x y"'],
  ['=1; Path=/', 'https://drive.example.com/', undefined],
  ['', 'https://drive.example.com/', undefined],
  ['a=\u00e9; Path=/', 'https://drive.example.com/', undefined],
  [`a=${'x'.repeat(5000)}; Path=/`, 'https://drive.example.com/', undefined],
  ['a=1; Path=/', 'http://127.0.0.1:81/', 'a=1', 'http://127.0.0.1:80/'],
  ['a=1; Path=/; Domain=0.0.1', 'http://127.0.0.1/', undefined, 'http://127.0.0.1/'],
])('%j for %s is %j', (line, to, expected, from) => {
  expect(sent(line, to, from)).toBe(expected);
});

it('a later one takes the place of an earlier one, and the longest path comes first', () => {
  const jar = new CookieJar();
  jar.store(new URL(PAGE), ['a=1; Path=/', 'b=1; Path=/a', 'a=2; Path=/']);
  expect(jar.header(new URL(PAGE))).toBe('b=1; a=2');
});

it('keeps no more than it needs', () => {
  const jar = new CookieJar();
  for (let i = 0; i < 1000; i++) jar.store(new URL(PAGE), [`c${i}=1; Path=/`]);
  expect(jar.header(new URL(PAGE))?.split('; ').length).toBe(50);
});

describe('a cookies.txt', () => {
  const NOW = Date.parse('2026-06-01T00:00:00Z');
  const LATER = '1900000000';
  const line = (...fields: string[]) => fields.join('\t');
  const file = (...lines: string[]) => ['# Netscape HTTP Cookie File', '', ...lines, ''].join('\n');
  const sentTo = (text: string, url: string) =>
    new CookieJar(parseCookiesFile(text, NOW)).header(new URL(url));

  const DRIVE = file(
    line('.google.com', 'TRUE', '/', 'TRUE', LATER, 'SID', 's=1'),
    line('drive.google.com', 'FALSE', '/', 'FALSE', '0', 'HOST', 'h'),
    line('.google.com', 'TRUE', '/deep', 'TRUE', LATER, 'DEEP', 'd'),
    `#HttpOnly_${line('.google.com', 'TRUE', '/', 'TRUE', LATER, 'HSID', 'x y')}`,
    line('.google.com', 'TRUE', '/', 'TRUE', '1500000000', 'OLD', 'o'),
    line('.bank.example', 'TRUE', '/', 'FALSE', LATER, 'BANK', 'b'),
    line('com', 'TRUE', '/', 'FALSE', LATER, 'TLD', 't'),
    line('127.0.0.1', 'FALSE', '/', 'FALSE', LATER, 'IP', 'i'),
  );

  it.each([
    ['https://drive.google.com/uc', 'SID=s=1; HOST=h; HSID=x y'],
    ['https://drive.google.com/deep/er', 'DEEP=d; SID=s=1; HOST=h; HSID=x y'],
    ['https://drive.usercontent.google.com/download', 'SID=s=1; HSID=x y'],
    ['https://google.com/', 'SID=s=1; HSID=x y'],
    ['http://drive.google.com/uc', undefined],
    ['https://notgoogle.com/', undefined],
    ['https://google.com.evil.example/', undefined],
    ['https://evil.com/', undefined],
    ['https://127.0.0.1:8443/', 'IP=i'],
    ['https://x.127.0.0.1.example/', undefined],
    ['https://bank.example/', 'BANK=b'],
  ])('gives %s the cookies of its own domain alone, over https: %s', (url, expected) => {
    expect(sentTo(DRIVE, url)).toBe(expected);
  });

  it('is read with other line ends, a BOM and any order', () => {
    expect(sentTo(`\ufeff${DRIVE.replaceAll('\n', '\r\n')}`, 'https://google.com/')).toBe(
      'SID=s=1; HSID=x y',
    );
  });

  it('is not pushed out by what servers set, but replaced', () => {
    const jar = new CookieJar(parseCookiesFile(DRIVE, NOW));
    const url = new URL('https://drive.google.com/uc');
    for (let i = 0; i < 100; i++) jar.store(url, [`c${i}=1; Path=/`]);
    expect(jar.header(url)).toContain('SID=s=1');
    jar.store(url, ['SID=new; Domain=google.com; Path=/; Secure']);
    expect(jar.header(url)).toContain('SID=new');
    expect(jar.header(url)).not.toContain('SID=s=1');
  });

  const good = ['.google.com', 'TRUE', '/', 'TRUE', LATER, 'SID', 'HUSH'];
  const but = (i: number, value: string) => good.map((field, at) => (at === i ? value : field)).join('\t');
  it.each([
    ['JSON', '[{"domain": ".google.com", "name": "SID", "value": "HUSH"}]'],
    ['a page', '<!DOCTYPE html><html>HUSH</html>'],
    ['spaces in place of tabs', good.join(' ')],
    ['too few fields', good.slice(1).join('\t')],
    ['too many fields', `${good.join('\t')}\tHUSH`],
    ['a header in a value', but(6, 'HUSH; other=1')],
    ['a control character', but(6, 'HU\u0000SH')],
    ['a line end of old systems', but(6, 'HUSH\rset: x')],
    ['letters beyond ASCII', but(6, 'HUSHé')],
    ['a name with =', but(5, 'a=HUSH')],
    ['no name', but(5, '')],
    ['no domain', but(0, 'HUSH HUSH')],
    ['a URL as domain', but(0, 'https://HUSH')],
    ['no path', but(2, 'HUSH')],
    ['no flag', but(1, 'HUSH')],
    ['no time', but(4, 'HUSH')],
    ['binary', '\u0000\u0001HUSH\u0002\n'.repeat(50)],
  ])('that is not one (%s) is refused by its line, and never shown', async (_, text) => {
    const error = await pcamError(() => parseCookiesFile(file(text), NOW));
    expect(error).toMatchObject({ code: 'USAGE', exitCode: 2 });
    expect(error.message).toMatch(/line 3 has /);
    expect(error.message + error.hint).not.toMatch(/HUSH|other=/);
  });
});
