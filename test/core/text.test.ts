/** Text from outside is safe for a terminal, and words for people are right. */
import { describe, expect, it } from 'vitest';
import {
  count,
  formatBytes,
  formatInteger,
  formatSeconds,
  nearest,
  printable,
  showUrl,
  wrapText,
} from '#pcam/core/text.js';

describe('printable', () => {
  it.each([
    ['an escape sequence', '\u001b[2Jgone', '\\x1b[2Jgone'],
    ['the one-byte escape', '\u009b31m', '\\x9b31m'],
    ['a carriage return', 'good\rbad', 'good\\x0dbad'],
    ['a line of its own', 'busy\npcam: all is well', 'busy\\x0apcam: all is well'],
    ['a backspace and a NUL', 'a\b\0', 'a\\x08\\x00'],
    ['a bidirectional override', 'a\u202ezg.h5', 'a\\x202ezg.h5'],
    ['a line separator', 'a\u2028b', 'a\\x2028b'],
    ['a byte order mark', '\ufeffa', '\\xfeffa'],
  ])('makes %s visible', (_, text, safe) => {
    expect(printable(text)).toBe(safe);
  });

  it('leaves words of any language, and line ends, as they are', () => {
    const text = 'Größe, 大きさ, размер 😀 é';
    expect(printable(text)).toBe(text);
  });

  it('bounds the length', () => {
    expect(printable('a'.repeat(5000)).length).toBeLessThan(2010);
    expect(printable('abcdef', 3)).toBe('abc…');
  });
});

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [876.5275883524173, '877 B'],
    [999, '999 B'],
    [1000, '1.00 kB'],
    [999_499, '999 kB'],
    [999_600, '1.00 MB'],
    [6_421_353_462, '6.42 GB'],
    [Number.MAX_SAFE_INTEGER, '9.01 PB'],
    [Number.NaN, '?'],
    [Number.POSITIVE_INFINITY, '?'],
  ])('%d is %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe('formatSeconds', () => {
  it.each([
    [-1, '0 s'],
    [59.4, '59 s'],
    [59.6, '1 min 00 s'],
    [3599.7, '1 h 00 min'],
    [3725, '1 h 02 min'],
  ])('%d is %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });
});

describe('formatInteger', () => {
  it.each([0, 7, 999, 1000, 12_345, 327_680, 1_000_000, -1234, Number.MAX_SAFE_INTEGER])(
    'writes %d as Intl does',
    (n) => {
      expect(formatInteger(n)).toBe(n.toLocaleString('en-US'));
    },
  );
});

describe('count', () => {
  it.each([
    [1, 'file', '1 file'],
    [0, 'file', '0 files'],
    [1234, 'patch', '1,234 patches'],
  ])('%d %s', (n, noun, text) => {
    expect(count(n, noun)).toBe(text);
  });
});

describe('nearest', () => {
  it.each([
    ['trian', 'train'],
    ['TRAIN', 'train'],
    ['vaild', 'valid'],
    ['tets', 'test'],
    ['zebra', undefined],
    ['', undefined],
  ])('%s: %s', (word, near) => {
    expect(nearest(word, ['train', 'valid', 'test'])).toBe(near);
  });

  it('is no word that has nothing in common', () => {
    expect(nearest('2', ['0', '1'])).toBeUndefined();
    expect(nearest('z', ['images', 'labels', 'x', 'y'])).toBeUndefined();
  });
});

describe('wrapText', () => {
  it('breaks between words, indents what continues, and keeps a long word whole', () => {
    expect(wrapText('  one two three', 10)).toEqual(['  one two', '    three']);
    expect(wrapText('averyveryverylongword and more', 10)).toEqual([
      'averyveryverylongword',
      '  and',
      '  more',
    ]);
  });

  it.each([0, 1, 2, 3, 4, 5])('ends in a terminal of %i columns, with every word in it', (columns) => {
    const lines = wrapText('  a terminal of no size at all', columns);
    expect(lines.map((line) => line.trim()).join(' ')).toBe('a terminal of no size at all');
  });
});

describe('a URL in a message has no password and no token', () => {
  it.each([
    ['https://zenodo.org', 'https://zenodo.org'],
    ['https://zenodo.org/', 'https://zenodo.org/'],
    ['HTTPS://Host.example/a%20b/c', 'https://host.example/a%20b/c'],
    ['https://host:8443/p?token=HUSH#HUSH', 'https://host:8443/p'],
    ['https://host?token=HUSH', 'https://host'],
    ['http://me:HUSH@127.0.0.1:9/p', 'http://127.0.0.1:9/p'],
    ['http://HUSH@127.0.0.1/', 'http://127.0.0.1/'],
    ['ftp://me:HUSH@host/p', 'ftp://host/p'],
    ['socks5://me:HUSH@127.0.0.1:1080', 'socks5://127.0.0.1:1080'],
    ['http://me:HUSH@127.0.0.1:99999/p', 'http://127.0.0.1:99999/p'],
    ['http://me:HU/SH@host/p', 'http://host/p'],
    ['http://me:HU@SH@[', 'http://['],
    ['me:HUSH@host:99999/p?token=HUSH', 'host:99999/p'],
    ['file:///data/a%20b', 'file:///data/a%20b'],
    ['javascript:alert(1)', 'javascript:alert(1)'],
    ['not a URL', 'not a URL'],
    ['', ''],
  ])('%j is shown as %j', (url, shown) => {
    expect(showUrl(url)).toBe(shown);
    expect(showUrl(url)).not.toMatch(/HU|SH/);
  });
});
