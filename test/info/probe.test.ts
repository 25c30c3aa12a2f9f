/** `info --probe`: what each source answers, before anything is downloaded. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { probeSources } from '#pcam/info/probe.js';
import { closedPort } from '../support/fault-server.js';
import { archive, manifestJson, manifestOf, noise, put } from '../support/files.js';
import { hangUp } from '../support/hang-up.js';
import { runPcam } from '../support/in-process.js';
import { failureOf } from '../support/outcome.js';
import { lastPart, listen, send, serveFiles } from '../support/server.js';
import { temporaryFolder } from '../support/temp.js';

const small = archive('valid_y.h5', noise(500, 1), { kind: 'labels' });
const large = archive('valid_x.h5', noise(1_500_000, 2));
const files = [small, large];
const served = Object.fromEntries(files.map(({ file, served }) => [file.name, served]));
const plain = Object.fromEntries(files.map(({ file, plain }) => [file.extracted!.name, plain]));
const QUOTA = '<title>Google Drive - Quota exceeded</title><p class="uc-error-subcaption">Too many</p>';

const probeAll = async (
  at: Record<string, { type: string; baseUrl: string; record?: string }>,
  options = {},
) =>
  Object.fromEntries(
    (await probeSources({ manifest: manifestOf(files, at), ...options })).map((probe) => [
      probe.source,
      probe,
    ]),
  );

it('asks for a megabyte of the largest file, once', async () => {
  const web = await serveFiles(served);
  const folder = await put(await temporaryFolder(), served);
  const { web: far, near } = await probeAll({
    web: { type: 'http', baseUrl: web.url.replace('://', '://me:HUSH@') },
    near: { type: 'file', baseUrl: folder },
  });
  const size = large.served.length;
  const same = {
    status: 'ok',
    reachable: true,
    form: 'archive',
    file: large.file.name,
    size,
    expectedSize: size,
  };
  expect(far).toMatchObject({ ...same, ranges: true, proxy: null, url: web.url, message: null });
  expect(near).toMatchObject({ ...same, url: folder });
  expect(far!.bytesPerSecond).toBeGreaterThan(0);
  expect(far!.latency).toBeGreaterThanOrEqual(0);
  expect(web.requests.map(({ range }) => range)).toEqual(['bytes=0-1048575']);
});

it('tells in which way a source does not deliver', async () => {
  const at = async (status: number, html = '') =>
    (await listen((_, r) => void r.writeHead(status, { 'content-type': 'text/html' }).end(html))).url;
  const other = await listen((request, response) => send(request, response, noise(1_000_000, 3)));
  const lax = await listen((request, response) =>
    send(request, response, served[lastPart(request)]!, { noRange: true }),
  );
  const http = (baseUrl: string) => ({ type: 'http', baseUrl });
  const probes = await probeAll({
    quota: { type: 'google-drive', baseUrl: await at(200, QUOTA) },
    busy: http(await at(429)),
    refused: http(await at(403)),
    login: http(await at(401)),
    missing: http(await at(404)),
    failed: http(await at(500)),
    page: http(await at(200)),
    closed: http(`http://127.0.0.1:${await closedPort()}`),
    cut: http(`http://127.0.0.1:${(await hangUp({ at: 'request', ending: 'reset' })).port}`),
    size: http(other.url),
    lax: http(lax.url),
    unpacked: http((await serveFiles(plain)).url),
  });
  const told = Object.values(probes).map(({ source, status, reachable }) => [source, status, reachable]);
  expect(told).toEqual([
    ['quota', 'quota', true],
    ['busy', 'busy', true],
    ['refused', 'refused', true],
    ['login', 'refused', true],
    ['missing', 'missing', true],
    ['failed', 'failed', true],
    ['page', 'refused', true],
    ['closed', 'unreachable', false],
    ['cut', 'unreachable', false],
    ['size', 'wrong-size', true],
    ['lax', 'ok', true],
    ['unpacked', 'ok', true],
  ]);
  expect(probes.lax).toMatchObject({ ranges: false });
  expect(probes.unpacked).toMatchObject({ form: 'decompressed', file: 'valid_x.h5' });
  expect(probes.size).toMatchObject({ size: 1_000_000, expectedSize: large.served.length });
  expect(probes.login!.hint).toContain('USER:PASSWORD');
});

it('names the proxy, and what is wrong with it', async () => {
  const port = await closedPort();
  const at = { far: { type: 'http', baseUrl: 'http://data.example' } };
  const dead = await probeAll(at, { proxy: { http: `me:HUSH@127.0.0.1:${port}` } });
  const proxy = `127.0.0.1:${port}`;
  expect(dead.far).toMatchObject({ status: 'unreachable', reachable: false, proxy });
  expect(dead.far!.message).toBe(`the proxy ${proxy} refused the connection`);
  const socks = await probeAll(at, { proxy: { http: 'socks5://127.0.0.1:1' } });
  expect(socks.far).toMatchObject({ status: 'unreachable', message: expect.stringContaining('SOCKS') });
});

it('stops at a signal', async () => {
  const stop = new AbortController();
  const silent = await listen(() => stop.abort());
  const at = { silent: { type: 'http', baseUrl: silent.url } };
  const error = await failureOf(probeAll(at, { signal: stop.signal }));
  expect(error).toMatchObject({ code: 'ABORTED' });
});

it('is a table or JSON on the command line, and exit code 4 when nobody delivers', async () => {
  const folder = await temporaryFolder();
  const manifest = join(folder, 'm.json');
  const run = async (baseUrl: string, ...more: string[]) => {
    await writeFile(manifest, JSON.stringify(manifestJson(files, { web: { type: 'http', baseUrl } })));
    return runPcam(['info', '--probe', '--manifest', manifest, '--dir', folder, ...more]);
  };
  const web = await serveFiles(served);
  const good = await run(web.url, '--json');
  expect(good.code).toBe(0);
  expect(JSON.parse(good.stdout)).toMatchObject({
    ok: true,
    probes: [{ source: 'web', status: 'ok' }],
    files: [{}, {}],
  });
  const text = await run(web.url);
  expect(text.stdout).toMatch(/^web +ok +\d+ ms +\S+ .B\/s/m);
  await web.close();
  const bad = await run(web.url, '--json');
  expect(bad.code).toBe(4);
  expect(JSON.parse(bad.stdout)).toMatchObject({ ok: false, probes: [{ status: 'unreachable' }] });
  expect((await run(web.url)).stdout).toContain('refused the connection');
});
