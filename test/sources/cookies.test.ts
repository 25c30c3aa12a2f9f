/** Which cookies are kept, and who gets them back. */
import { expect, it } from 'vitest';
import { CookieJar } from '#pcam/sources/cookies.js';

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
