/** The way through Google Drive: redirect, page, form, bytes; and what is no file is never taken for one. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createHttpClient } from '#pcam/net/http.js';
import { openSource } from '#pcam/sources/registry.js';
import { archive, noise } from '../support/files.js';
import { sourceFailure } from '../support/outcome.js';
import { listen, send, type TestServer } from '../support/server.js';

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

function drive(server: TestServer) {
  const client = createHttpClient();
  onTestFinished(() => client.close());
  const source = openSource({ id: 'gdrive', type: 'google-drive', baseUrl: server.url }, { client });
  return (start: number, end: number) => source.open(file, { start, end }, signal);
}

async function read(reply: { body: AsyncIterable<Uint8Array>; start: number }): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of reply.body) chunks.push(chunk);
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

  it('does not have a file without an id', () => {
    const client = createHttpClient();
    onTestFinished(() => client.close());
    const source = openSource(
      { id: 'g', type: 'google-drive', baseUrl: 'https://drive.google.com' },
      { client },
    );
    expect(source.has(file)).toBe(true);
    expect(source.has({ ...file, gdriveId: undefined })).toBe(false);
  });
});
