/** Who gets to see user names, passwords and tokens: the origin that they are for, and nobody else. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { HttpClient } from '#pcam/net/http.js';
import { basic } from '#pcam/net/proxy.js';
import { chooseSources, openSource } from '#pcam/sources/registry.js';
import { makeCertificate } from '../support/fault-server.js';
import { archive, manifestOf, noise } from '../support/files.js';
import { pcamError, sourceFailure } from '../support/outcome.js';
import { listen, send, type TestServer } from '../support/server.js';
import { requireTool } from '../support/tools.js';

const openssl = await requireTool('openssl');
const tls = openssl ? await makeCertificate() : undefined;
const one = archive('a b_x.h5', noise(500));
const { signal } = new AbortController();
const range = { start: 0, end: 10 };
const BASIC = basic('me', 'p%40ss:');
const TOKEN = 'zen0do.T0KEN';

function open(config: { type: string; baseUrl: string; record?: string }, zenodoToken?: string) {
  const client = new HttpClient({ ca: tls?.cert });
  onTestFinished(() => client.close());
  const source = openSource({ id: 'it', ...config }, { client, zenodoToken });
  return async () => (await source.open(one.file, range, signal)).discard();
}

/** A server that redirects to where `to` says, or sends the file; the same over TLS. */
const server = (to?: () => string | undefined, status = 302, secure = false): Promise<TestServer> =>
  listen(
    (request, response) => {
      const location = to?.();
      if (location !== undefined && !request.url!.includes('arrived'))
        response.writeHead(status, { location }).end();
      else send(request, response, one.served);
    },
    secure ? tls : undefined,
  );

const sent = ({ requests }: TestServer) => requests.map(({ headers }) => headers.authorization);
const withUser = (url: string) => url.replace('://', '://me:p%40ss:@');

describe('user name and password in a base URL', () => {
  it('are sent as Basic credentials, and not as part of the URL', async () => {
    const there = await server();
    await open({ type: 'http', baseUrl: withUser(`${there.url}/p`) })();
    expect(sent(there)).toEqual([BASIC]);
    expect(there.requests[0]!.path).toBe('/p/a%20b_x.h5.gz');
    expect(there.requests[0]!.headers.host).toBe(`127.0.0.1:${there.port}`);
  });

  it('are sent for every source of the web, and for a mirror', async () => {
    const there = await server();
    const zenodo = { type: 'zenodo', baseUrl: withUser(there.url), record: '1' };
    await open(zenodo)();
    const manifest = manifestOf([one], { own: { type: 'http', baseUrl: 'https://own.example' } });
    const [mirror] = chooseSources({ manifest, mirrors: [withUser(`${there.url}/p/`)] });
    await open(mirror!)();
    expect(sent(there)).toEqual([BASIC, BASIC]);
  });

  it.each([301, 302, 303, 307, 308])(
    'go with a redirect (%d) within the origin, and to no other',
    async (status) => {
      const other = await server();
      const there: TestServer = await server(() => `${there.url}/arrived`, status);
      await open({ type: 'http', baseUrl: withUser(there.url) })();
      expect(sent(there)).toEqual([BASIC, BASIC]);
      // Another port, or another name of the same machine.
      for (const target of [
        `${other.url}/arrived`,
        `${other.url.replace('127.0.0.1', 'localhost')}/arrived`,
        `//127.0.0.1:${other.port}/arrived`,
      ]) {
        const from = await server(() => target, status);
        const before = other.requests.length;
        const arrivals = await open({ type: 'http', baseUrl: withUser(from.url) })().then(
          () => 1,
          () => other.requests.length - before,
        );
        expect(other.requests.length).toBe(before + arrivals);
      }
      expect(sent(other).filter((authorization) => authorization !== undefined)).toEqual([]);
    },
  );

  it('are not sent again when a redirect leads elsewhere and another one back', async () => {
    const there: TestServer = await server(() => `${other.url}/x`);
    const other = await server(() => `${there.url}/arrived`);
    await open({ type: 'http', baseUrl: withUser(there.url) })();
    expect(sent(there)).toEqual([BASIC, undefined]);
    expect(sent(other)).toEqual([undefined]);
  });

  it('in the target of a redirect are not sent', async () => {
    const other = await server();
    const from = await server(() => withUser(`${other.url}/arrived`));
    await open({ type: 'http', baseUrl: from.url })();
    expect(sent(other)).toEqual([undefined]);
  });

  it('are asked for by name when they are missing or wrong', async () => {
    const there = await listen((_, response) => void response.writeHead(401).end());
    const failure = await sourceFailure(open({ type: 'http', baseUrl: withUser(there.url) })());
    expect(failure).toMatchObject({ kind: 'wrong', hint: expect.stringContaining('USER:PASSWORD') });
    expect(there.requests).toHaveLength(1);
    expect(failure.message).not.toContain('p%40ss');
  });
});

describe('a query in a base URL', () => {
  it.each([
    ['/p?token=T', '/p/a%20b_x.h5.gz?token=T'],
    ['/p/?sig=a%2Fb+c/&x=', '/p/a%20b_x.h5.gz?sig=a%2Fb+c/&x='],
    ['?token=T', '/a%20b_x.h5.gz?token=T'],
  ])('%s is kept as it is', async (base, asked) => {
    const there = await server();
    const manifest = manifestOf([one], { own: { type: 'http', baseUrl: `${there.url}${base}` } });
    await open(manifest.sources[0]!)();
    const [mirror] = chooseSources({ manifest, mirrors: [`${there.url}${base}`] });
    await open(mirror!)();
    expect(there.requests.map(({ path }) => path)).toEqual([asked, asked]);
  });

  it('is kept by the other sources too', async () => {
    const there = await server();
    await open({ type: 'zenodo', baseUrl: `${there.url}/?a=1`, record: '7' })();
    await open({ type: 'google-drive', baseUrl: `${there.url}/?a=1` })().catch(() => {});
    expect(there.requests[0]!.path).toBe('/records/7/files/a%20b_x.h5.gz?a=1&download=1');
    expect(there.requests[1]!.path).toMatch(/^\/download\?a=1&export=download&id=/);
  });
});

describe('a URL that no source can have', () => {
  const bases = [
    'https://h/p#x',
    'https://h/p#',
    'https://me:HUSH@h/p#HUSH',
    'ftp://me:HUSH@h/p',
    'http://me:HUSH@h:99999/p?HUSH',
  ];

  it.each(bases)('%s is refused as a mirror, without its secrets', async (mirror) => {
    const manifest = manifestOf([one], { own: { type: 'http', baseUrl: 'https://own.example' } });
    const error = await pcamError(() => chooseSources({ manifest, mirrors: [mirror] }));
    expect(error.code).toBe('USAGE');
    expect(error.message).not.toContain('HUSH');
  });

  it.each(bases)('%s is refused in a manifest, without its secrets', async (baseUrl) => {
    const error = await pcamError(() => manifestOf([one], { own: { type: 'http', baseUrl } }));
    expect(error).toMatchObject({
      code: 'BAD_MANIFEST',
      message: expect.stringContaining('sources.own.baseUrl'),
    });
    expect(error.message).not.toContain('HUSH');
  });
});

describe.skipIf(!openssl)('a Zenodo token', () => {
  const zenodo = (url: string) => open({ type: 'zenodo', baseUrl: url, record: '1' }, TOKEN);

  it('is sent over https', async () => {
    const there = await server(undefined, 302, true);
    await zenodo(there.url)();
    expect(sent(there)).toEqual([`Bearer ${TOKEN}`]);
  });

  it('is not sent over http, nor to sources of another type', async () => {
    const plain = await server();
    await zenodo(plain.url)();
    const secure = await server(undefined, 302, true);
    await open({ type: 'http', baseUrl: secure.url }, TOKEN)();
    await open({ type: 'google-drive', baseUrl: secure.url }, TOKEN)().catch(() => {});
    expect([...sent(plain), ...sent(secure)]).toEqual([undefined, undefined, undefined]);
  });

  it.each([301, 302, 303, 307, 308])('does not leave its origin with a redirect (%d)', async (status) => {
    const other = await server(undefined, 302, true);
    const plain = await server();
    const within: TestServer = await server(() => '/arrived', status, true);
    await zenodo(within.url)();
    expect(sent(within)).toEqual([`Bearer ${TOKEN}`, `Bearer ${TOKEN}`]);
    await zenodo((await server(() => `${other.url}/arrived`, status, true)).url)();
    await zenodo((await server(() => `${plain.url}/arrived`, status, true)).url)().catch(() => {});
    expect(sent(other)).toEqual([undefined]);
    expect(sent(plain)).toEqual([]);
  });

  it('goes before user name and password', async () => {
    const there = await server(undefined, 302, true);
    await zenodo(withUser(there.url))();
    expect(sent(there)).toEqual([`Bearer ${TOKEN}`]);
  });

  it.each(['two words', 'line\nend', 'ö'])(
    'that cannot be one is refused, and not shown: %j',
    async (token) => {
      const error = await pcamError(() =>
        open({ type: 'zenodo', baseUrl: 'https://zenodo.org', record: '1' }, token),
      );
      expect(error.code).toBe('USAGE');
      expect(error.message + error.hint).not.toContain(token);
    },
  );
});
