/** The way through Google Drive: redirect, page, form, bytes; and what is no file is never taken for one. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HttpClient } from '#pcam/net/http.js';
import { openSource } from '#pcam/sources/registry.js';
import { archive, noise } from '../support/files.js';
import { sourceFailure } from '../support/outcome.js';
import { listen, send, type TestServer } from '../support/server.js';
import { selfSigned } from '../support/tls.js';
import { requireTool } from '../support/tools.js';

const openssl = await requireTool('openssl');
const { file, served } = archive('a_x.h5', noise(5000));
const { signal } = new AbortController();
const DISPOSITION = { 'content-disposition': 'attachment; filename="a"' };
const FORM =
  '<html><title>Virus</title><form id="download-form" action="/download" method="get">' +
  `<input type="hidden" name="id" value="${file.gdriveId}"><input type="hidden" name="confirm" value="t">` +
  '<input type="hidden" name="uuid" value="u1"></form></html>';
const QUOTA = '<title>Google Drive - Quota exceeded</title><p class="uc-error-subcaption">Too many users</p>';

function page(response: ServerResponse, html: string, status = 200): void {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' }).end(html);
}

function drive(server: TestServer, { gdriveCookies, ca }: { gdriveCookies?: string; ca?: string } = {}) {
  const client = new HttpClient({ ca });
  onTestFinished(() => client.close());
  const config = { id: 'gdrive', type: 'google-drive', baseUrl: server.url };
  const source = openSource(config, { client, gdriveCookies });
  return (start: number, end: number) => source.open(file, { start, end }, signal);
}

async function read(reply: { body: AsyncIterable<Uint8Array>; start: number }): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of reply.body) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

const confirmed = (request: IncomingMessage) =>
  new URL(request.url!, 'http://x').searchParams.get('confirm') === 't';

describe('google-drive', () => {
  it('takes a small file at once', async () => {
    const server = await listen((request, response) =>
      send(request, response, served, { headers: DISPOSITION }),
    );
    expect(await read(await drive(server)(10, 20))).toEqual(served.subarray(10, 20));
    const url = new URL(server.requests[0]!.path, server.url);
    expect(Object.fromEntries(url.searchParams)).toEqual({ export: 'download', id: file.gdriveId });
  });

  it('follows the redirect and the form, then goes straight to the bytes', async () => {
    const server = await listen((request, response) => {
      if (request.url!.startsWith('/download') && !request.url!.includes('step')) {
        if (confirmed(request)) return send(request, response, served, { headers: DISPOSITION });
        return void response.writeHead(303, { location: `${request.url}&step=2` }).end();
      }
      page(response, FORM);
    });
    const open = drive(server);
    expect(await read(await open(0, 100))).toEqual(served.subarray(0, 100));
    expect(server.requests).toHaveLength(3);
    expect(server.requests[2]!.path).toContain('uuid=u1');
    expect(await read(await open(100, 200))).toEqual(served.subarray(100, 200));
    expect(server.requests).toHaveLength(4);
    expect(server.requests[3]!.range).toBe('bytes=100-199');
  });

  it('goes the whole way again when the place that it knew sends a page', async () => {
    let expired = false;
    const server = await listen((request, response) => {
      if (!confirmed(request)) return page(response, FORM);
      if (expired) return page(response, QUOTA);
      send(request, response, served, { headers: DISPOSITION });
    });
    const open = drive(server);
    await read(await open(0, 10));
    expired = true;
    expect((await sourceFailure(open(10, 20))).kind).toBe('refused');
    expired = false;
    expect(await read(await open(10, 20))).toEqual(served.subarray(10, 20));
  });

  it.each<[string, (request: IncomingMessage, response: ServerResponse) => void, string]>([
    ['the quota page', (_, response) => page(response, QUOTA), 'refused'],
    ['a login page', (_, response) => page(response, '<title>Sign in</title>'), 'refused'],
    ['a form for ever', (_, response) => page(response, FORM), 'refused'],
    ['a page of many megabytes', (_, response) => page(response, 'x'.repeat(5e6)), 'refused'],
    ['bytes without Content-Disposition', (q, r) => send(q, r, served), 'refused'],
    ['403 with a page', (_, response) => page(response, '<title>Sorry</title>', 403), 'refused'],
    ['404 with a page', (_, response) => page(response, '<title>Not found</title>', 404), 'wrong'],
    ['429 with a page', (_, response) => page(response, '<title>Too many</title>', 429), 'busy'],
    ['500', (_, response) => void response.writeHead(500).end(), 'passing'],
    ['404', (_, response) => void response.writeHead(404).end(), 'wrong'],
  ])('does not take %s for the file', async (_, answer, kind) => {
    expect((await sourceFailure(drive(await listen(answer))(0, 10))).kind).toBe(kind);
  });

  it('finds the form behind half a megabyte of script', async () => {
    const script = `<script>${'x'.repeat(500_000)}</script>`;
    const server = await listen((request, response) => {
      if (confirmed(request)) return send(request, response, served, { headers: DISPOSITION });
      page(response, FORM.replace('<form', `${script}<form`));
    });
    expect(await read(await drive(server)(0, 10))).toEqual(served.subarray(0, 10));
  });

  it('sends a form by POST, for each range', async () => {
    const posted: string[] = [];
    const server = await listen(async (request, response) => {
      if (request.method !== 'POST') return page(response, FORM.replace('"get"', '"post"'));
      let body = '';
      for await (const chunk of request) body += chunk;
      posted.push(`${request.headers['content-type']} ${body}`);
      send(request, response, served, { headers: DISPOSITION });
    });
    const open = drive(server);
    expect(await read(await open(0, 10))).toEqual(served.subarray(0, 10));
    expect(await read(await open(10, 20))).toEqual(served.subarray(10, 20));
    const form = `application/x-www-form-urlencoded id=${file.gdriveId}&confirm=t&uuid=u1`;
    expect(posted).toEqual([form, form]);
    expect(server.requests).toHaveLength(3);
  });

  it.each([303, 307])('goes where a posted form is redirected to (%d)', async (status) => {
    const methods: string[] = [];
    const server = await listen((request, response) => {
      methods.push(request.method!);
      if (request.url!.startsWith('/there')) return send(request, response, served, { headers: DISPOSITION });
      if (request.method === 'POST') return void response.writeHead(status, { location: '/there' }).end();
      page(response, FORM.replace('"get"', '"post"'));
    });
    expect(await read(await drive(server)(0, 10))).toEqual(served.subarray(0, 10));
    expect(methods).toEqual(['GET', 'POST', status === 303 ? 'GET' : 'POST']);
  });

  it('sends the cookies of the page and of a redirect', async () => {
    const server = await listen((request, response) => {
      if (request.url!.startsWith('/download') && !confirmed(request)) {
        response.setHeader('set-cookie', [
          'first=1; Path=/',
          'gone=x; Max-Age=0',
          'elsewhere=x; Path=/other',
        ]);
        return void response.writeHead(303, { location: '/page' }).end();
      }
      if (request.url === '/page') {
        response.setHeader(
          'set-cookie',
          `download_warning_1=${request.headers.cookie?.replace('=', '-')}; Path=/; HttpOnly`,
        );
        return page(response, FORM);
      }
      if (request.headers.cookie !== 'first=1; download_warning_1=first-1') return page(response, QUOTA);
      send(request, response, served, { headers: DISPOSITION });
    });
    const open = drive(server);
    expect(await read(await open(0, 10))).toEqual(served.subarray(0, 10));
    expect(await read(await open(10, 20))).toEqual(served.subarray(10, 20));
  });

  it.skipIf(!openssl)(
    'sends a session over https, to hosts of its own domains alone, and survives a quota by it',
    async () => {
      const tls = await selfSigned(openssl!);
      const other = await listen(
        (request, response) => send(request, response, served, { headers: DISPOSITION }),
        tls,
      );
      const server = await listen((request, response) => {
        if (!/\bSID=HUSH\b/.test(request.headers.cookie ?? '')) return page(response, QUOTA);
        response.writeHead(302, { location: other.url.replace('127.0.0.1', 'localhost') }).end();
      }, tls);
      const lines = [
        ['127.0.0.1', 'SID'],
        ['.google.com', 'G'],
        ['elsewhere.example', 'E'],
      ];
      const gdriveCookies = lines
        .map(([domain, name]) => `${domain}\tFALSE\t/\tFALSE\t0\t${name}\tHUSH`)
        .join('\n');
      expect(await read(await drive(server, { gdriveCookies, ca: tls.cert })(0, 10))).toEqual(
        served.subarray(0, 10),
      );
      expect(server.requests.map(({ headers }) => headers.cookie)).toEqual(['SID=HUSH']);
      expect(other.requests.map(({ headers }) => headers.cookie)).toEqual([undefined]);
      const plain = await listen((_, response) => page(response, QUOTA));
      const failure = await sourceFailure(drive(plain, { gdriveCookies })(0, 10));
      expect(failure).toMatchObject({ quota: true, hint: expect.stringContaining('GDRIVE_COOKIES') });
      expect(plain.requests.map(({ headers }) => headers.cookie)).toEqual([undefined]);
    },
  );

  it('follows the link of the page of earlier years', async () => {
    const server = await listen((request, response) => {
      const url = new URL(request.url!, 'http://x');
      if (url.pathname === '/uc' && url.searchParams.get('confirm') === 'AbC') {
        return send(request, response, served, { headers: DISPOSITION });
      }
      page(
        response,
        '<a id="uc-download-link" href="/uc?export=download&amp;confirm=AbC&amp;id=1">Download anyway</a>',
      );
    });
    expect(await read(await drive(server)(0, 10))).toEqual(served.subarray(0, 10));
  });

  it.each(['file:///etc/passwd', 'javascript:alert(1)', 'data:text/html,x'])(
    'names the scheme of a form that leads to %s',
    async (action) => {
      const server = await listen((_, response) =>
        page(response, FORM.replace('"/download"', `"${action}"`)),
      );
      const failure = await sourceFailure(drive(server)(0, 10));
      expect(failure.kind).toBe('wrong');
      expect(failure.message).toContain(`a ${action.split(':')[0]}: URL`);
    },
  );

  it('reads the text of Location as UTF-8', async () => {
    const server = await listen((request, response) => {
      if (request.url === `/${encodeURIComponent('é ü')}`.replace('%20', '%20')) {
        return send(request, response, served, { headers: DISPOSITION });
      }
      response.writeHead(302, { location: Buffer.from('/é%20ü', 'utf8').toString('latin1') }).end();
    });
    expect(await read(await drive(server)(0, 10))).toEqual(served.subarray(0, 10));
  });

  it('does not have a file without an id', () => {
    const client = new HttpClient();
    onTestFinished(() => client.close());
    const source = openSource(
      { id: 'g', type: 'google-drive', baseUrl: 'https://drive.google.com' },
      { client },
    );
    expect(source.has(file)).toBe(true);
    expect(source.has({ ...file, gdriveId: undefined })).toBe(false);
  });
});
