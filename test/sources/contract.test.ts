/** What every source type promises, whatever is behind it. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ByteRange } from '#pcam/core/values.js';
import { SOURCE_TYPES } from '#pcam/manifest/parse.js';
import { HttpClient } from '#pcam/net/http.js';
import type { RangeReply } from '#pcam/net/ranged.js';
import { openSource } from '#pcam/sources/registry.js';
import type { Source } from '#pcam/sources/source.js';
import { archive, noise, put } from '../support/files.js';
import { failureOf, sourceFailure } from '../support/outcome.js';
import { lastPart, listen, send } from '../support/server.js';
import { temporaryFolder } from '../support/temp.js';

// A name that has to be encoded in a URL.
const { file, served } = archive('a (1)+é_x.h5', noise(3000));
const absent = { ...file, name: 'absent.h5.gz', gdriveId: 'absent' };
const { signal } = new AbortController();
const headers = { 'content-disposition': 'attachment' };

/** Something real that has `file` and nothing else, behind a source of each type. */
const BACKENDS: Record<(typeof SOURCE_TYPES)[number], () => Promise<Source>> = {
  'google-drive': async () => {
    const { url } = await listen((request, response) => {
      const id = new URL(request.url!, 'http://x').searchParams.get('id');
      if (id === file.gdriveId) send(request, response, served, { headers });
      else response.writeHead(404).end();
    });
    return opened('google-drive', url);
  },
  zenodo: async () => {
    const { url } = await listen((request, response) => {
      const path = new URL(request.url!, 'http://x').pathname;
      if (path.startsWith('/records/12/files/') && lastPart(request) === file.name)
        send(request, response, served);
      else response.writeHead(404).end();
    });
    return opened('zenodo', url, '12');
  },
  http: async () => {
    const { url } = await listen((request, response) => {
      if (request.url!.startsWith('/base/') && lastPart(request) === file.name)
        send(request, response, served);
      else response.writeHead(404).end();
    });
    return opened('http', `${url}/base`);
  },
  file: async () => opened('file', await put(await temporaryFolder(), { [file.name]: served })),
};

function opened(type: string, baseUrl: string, record?: string): Source {
  const client = new HttpClient();
  onTestFinished(() => client.close());
  return openSource({ id: 'it', type, baseUrl, record }, { client });
}

async function read({ body, discard }: RangeReply): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of body) chunks.push(Buffer.from(chunk));
  } finally {
    discard();
  }
  return Buffer.concat(chunks);
}

const RANGES: [string, ByteRange][] = [
  ['the whole file', { start: 0, end: served.length }],
  ['one byte', { start: 0, end: 1 }],
  ['the middle', { start: 1000, end: 2000 }],
  ['the last byte', { start: served.length - 1, end: served.length }],
  ['all from the middle on', { start: 1000, end: Number.POSITIVE_INFINITY }],
];

describe.each(SOURCE_TYPES)('a source of type %s', (type) => {
  it.each(RANGES)('gives %s', async (_, range) => {
    const source = await BACKENDS[type]();
    expect(source).toMatchObject({ id: 'it', type });
    expect(source.has(file)).toBe(true);
    const reply = await source.open(file, range, signal);
    const end = Math.min(range.end, served.length);
    expect(reply).toMatchObject({ start: range.start, end, total: served.length, ranged: true });
    expect(await read(reply)).toEqual(served.subarray(range.start, end));
  });

  it('says that it has no such file', async () => {
    const source = await BACKENDS[type]();
    expect((await sourceFailure(source.open(absent, { start: 0, end: 1 }, signal))).kind).toBe('wrong');
  });

  it('does not give bytes behind the end', async () => {
    const source = await BACKENDS[type]();
    const range = { start: served.length + 10, end: served.length + 20 };
    expect(['wrong', 'refused']).toContain((await sourceFailure(source.open(file, range, signal))).kind);
  });

  it('can be left alone in the middle of a body', async () => {
    const source = await BACKENDS[type]();
    const reply = await source.open(file, { start: 0, end: served.length }, signal);
    reply.discard();
    reply.discard();
    expect((await read(await source.open(file, { start: 0, end: 5 }, signal))).length).toBe(5);
  });

  it('stops at a signal', async () => {
    const source = await BACKENDS[type]();
    const stop = new AbortController();
    stop.abort(new Error('enough'));
    const range = { start: 0, end: served.length };
    const error = await failureOf(source.open(file, range, stop.signal).then(read));
    expect(String((error as Error).name + (error as Error).message)).toMatch(/enough|Abort/);
  });
});

describe('a folder as a source', () => {
  it('says so when a folder is where the file should be', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, file.name));
    const source = opened('file', folder);
    const run = source.open(file, { start: 0, end: 10 }, signal).then(read);
    expect((await sourceFailure(run)).kind).toBe('wrong');
  });

  it('says so when the folder itself is not there', async () => {
    const folder = join(await temporaryFolder(), 'unmounted');
    const failure = await sourceFailure(opened('file', folder).open(file, { start: 0, end: 10 }, signal));
    expect(failure).toMatchObject({ kind: 'wrong', wholeHost: true, missing: false });
    expect(failure.message).toBe(`there is no directory ${folder}`);
    expect(failure.hint).toContain('http://');
  });

  it('gives an empty file', async () => {
    const source = opened('file', await put(await temporaryFolder(), { [file.name]: '' }));
    const reply = await source.open(file, { start: 0, end: Number.POSITIVE_INFINITY }, signal);
    expect(reply).toMatchObject({ start: 0, end: 0, total: 0 });
    expect(await read(reply)).toHaveLength(0);
  });
});
