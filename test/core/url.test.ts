/** What of a URL may be seen: never a password, never a token. */
import { expect, it } from 'vitest';
import { showUrl } from '#pcam/core/url.js';

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
