/** Which hosts go through which proxy: NO_PROXY as Go and curl 8 read it, and settings judged when they are needed. */
import { describe, expect, it } from 'vitest';
import { basic, proxyChoice } from '#pcam/net/proxy.js';
import { pcamError } from '../support/outcome.js';

const through = (no: string, url: string) =>
  proxyChoice({ http: 'proxy:3128', https: 'proxy:3128', no })(new URL(url)) !== undefined;

describe('NO_PROXY', () => {
  it.each([
    ['*', 'https://zenodo.org/'],
    [' * ', 'https://zenodo.org/'],
    ['a.example,*', 'https://zenodo.org/'],
    ['zenodo.org', 'https://zenodo.org/'],
    ['zenodo.org', 'https://www.zenodo.org/'],
    ['ZENODO.org', 'https://Zenodo.ORG/'],
    ['.zenodo.org', 'https://www.zenodo.org/'],
    ['.zenodo.org', 'https://zenodo.org/'],
    ['*.zenodo.org', 'https://www.zenodo.org/'],
    ['zenodo.org.', 'https://zenodo.org/'],
    ['zenodo.org', 'https://zenodo.org./'],
    ['a.example zenodo.org', 'https://zenodo.org/'],
    ['a.example, zenodo.org ,,', 'https://zenodo.org/'],
    ['zenodo.org:443', 'https://zenodo.org/'],
    ['zenodo.org:8080', 'http://www.zenodo.org:8080/'],
    ['localhost', 'http://localhost:8080/'],
    ['127.0.0.1', 'http://127.0.0.1:8080/'],
    ['127.0.0.1:8080', 'http://127.0.0.1:8080/'],
    ['::1', 'http://[::1]/'],
    ['[::1]', 'http://[::1]:8080/'],
    ['[::1]:8080', 'http://[::1]:8080/'],
    ['0:0:0:0:0:0:0:1', 'http://[::1]/'],
    ['10.0.0.0/8', 'http://10.200.3.4/'],
    ['192.168.1.0/24', 'http://192.168.1.255:81/'],
    ['10.1.2.3/8', 'http://10.200.3.4/'],
    ['0.0.0.0/0', 'http://8.8.8.8/'],
    ['fe80::/10', 'http://[febf::1]/'],
    ['[fd00::]/8', 'http://[fdff::1]/'],
  ])('%j lets %s be asked directly', (no, url) => {
    expect(through(no, url)).toBe(false);
  });

  it.each([
    ['', 'https://zenodo.org/'],
    [',', 'https://zenodo.org/'],
    ['zenodo.org', 'https://notzenodo.org/'],
    ['zenodo.org', 'https://zenodo.org.evil.example/'],
    ['.', 'https://zenodo.org/'],
    ['*.', 'https://zenodo.org/'],
    ['zen*.org', 'https://zenodo.org/'],
    ['zenodo.org:80', 'https://zenodo.org/'],
    ['zenodo.org:443', 'http://zenodo.org/'],
    ['127.0.0.1:80', 'http://127.0.0.1:8080/'],
    ['27.0.0.1', 'http://127.0.0.1/'],
    ['::1', 'http://[::2]/'],
    ['[::1]:80', 'http://[::1]:8080/'],
    ['10.0.0.0/8', 'http://11.0.0.1/'],
    ['10.0.0.0/8', 'http://10.example/'],
    ['10.0.0.0/33', 'http://10.0.0.1/'],
    ['example/8', 'http://10.0.0.1/'],
    ['fe80::/10', 'http://[fec0::1]/'],
  ])('%j does not let %s be asked directly', (no, url) => {
    expect(through(no, url)).toBe(true);
  });
});

describe('a proxy', () => {
  it.each([
    ['proxy:3128', 'proxy:3128', undefined],
    ['http://proxy', 'proxy:80', undefined],
    ['https://proxy/', 'proxy:443', undefined],
    ['http://me:s%40cret@proxy:8080', 'proxy:8080', basic('me', 's@cret')],
    ['me:secret@proxy:8080', 'proxy:8080', basic('me', 'secret')],
    ['http://me@proxy:8080', 'proxy:8080', basic('me', '')],
    ['http://[::1]:3128', '[::1]:3128', undefined],
  ])('%s', (setting, name, authorization) => {
    const choice = proxyChoice({ https: setting });
    expect(choice(new URL('https://zenodo.org/'))).toMatchObject({ name, authorization });
    expect(choice(new URL('http://zenodo.org/'))).toBeUndefined();
  });

  it.each([
    'socks5://me:hush@h:1080',
    'SOCKS5H://me:hush@h',
    'socks4://h',
    'ftp://me:hush@h/',
    'http://',
    'a b',
    'me:hu@sh@[',
  ])('given as %j is refused when a host needs it, and only then', async (setting) => {
    const choice = proxyChoice({ http: setting, https: setting, no: 'inside.example' });
    expect(choice(new URL('https://inside.example/'))).toBeUndefined();
    const error = await pcamError(() => choice(new URL('https://zenodo.org/')));
    expect(error.code).toBe('USAGE');
    expect(error.message).toContain('zenodo.org');
    expect(error.message).not.toMatch(/hush|hu@sh/);
    expect(error.message).toMatch(/socks/i.test(setting) ? /SOCKS/ : /./);
  });

  it('gets user and password as UTF-8, a stray percent sign as it is', () => {
    expect(basic('m%C3%BCller', 'a%3Ab')).toBe(`Basic ${Buffer.from('müller:a:b').toString('base64')}`);
    expect(basic('me', '100%')).toBe(`Basic ${Buffer.from('me:100%').toString('base64')}`);
  });
});
