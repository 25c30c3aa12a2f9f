/** Whatever command is given a password or a token, and however that ends: nobody sees it. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { closedPort } from '../support/fault-server.js';
import { archive, manifestJson, noise } from '../support/files.js';
import { runPcam } from '../support/in-process.js';
import { listen, send } from '../support/server.js';
import { temporaryFolder } from '../support/temp.js';
import { selfSigned } from '../support/tls.js';
import { requireTool } from '../support/tools.js';

const openssl = await requireTool('openssl');
const one = archive('valid_y.h5', noise(500));
const SECRET = /HUSH/;

async function run(baseUrl: string, args: readonly string[], env: Record<string, string> = {}) {
  const folder = await temporaryFolder();
  const manifest = join(folder, 'm.json');
  await writeFile(manifest, JSON.stringify(manifestJson([one], { own: { type: 'http', baseUrl } })));
  const [command = '', ...rest] = args;
  const dir = join(folder, 'pcam');
  const ended = await runPcam([command, '--dir', dir, '--manifest', manifest, ...rest], { env });
  expect(ended.stdout + ended.stderr).not.toMatch(SECRET);
  const left = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of left.filter((each) => each.isFile())) {
    expect(await readFile(join(entry.parentPath, entry.name), 'latin1')).not.toMatch(SECRET);
  }
  return ended;
}

const url = (port: number) => `http://me:HUSH@127.0.0.1:${port}/p?token=HUSH`;

it('a download that works', async () => {
  const server = await listen((request, response) => send(request, response, one.served));
  expect((await run(url(server.port), ['download', '--json'])).code).toBe(0);
  expect(server.requests[0]!.path).toBe(`/p/${one.file.name}?token=HUSH`);
});

it.each([['--json'], ['--dry-run']])(
  'a download that fails (%s)',
  async (option) => {
    const ended = await run(url(await closedPort()), ['download', option]);
    expect(ended.code).toBe(option === '--dry-run' ? 0 : 4);
  },
  60_000,
);

it.each([['--json'], []])('info %s', async (...options) => {
  const ended = await run(url(1), ['info', ...options]);
  expect(ended.code).toBe(0);
  expect(ended.stdout).toContain('http://127.0.0.1:1/p');
});

it.each([
  'http://me:HUSH@127.0.0.1:99999/p',
  'ftp://me:HUSH@127.0.0.1/p',
  'https://me:HUSH@127.0.0.1/p#HUSH',
  'me:HUSH@127.0.0.1/p',
])('the mirror %s', async (mirror) => {
  for (const more of [[], ['--json']]) {
    expect((await run('https://own.example', ['download', '--mirror', mirror, ...more])).code).toBe(2);
  }
});

it.each(['http://me:HUSH@127.0.0.1:99999/p', 'ftp://me:HUSH@h/p', 'https://me:HUSH@h/p#x'])(
  'the manifest with %s',
  async (baseUrl) => {
    expect((await run(baseUrl, ['info'])).code).toBe(2);
  },
);

it.each([
  ['HTTP_PROXY', 'socks5://me:HUSH@127.0.0.1:1'],
  ['ALL_PROXY', 'ftp://me:HUSH@127.0.0.1:1'],
  ['http_proxy', 'me:HU@HUSH@['],
])('%s=%s', async (name, setting) => {
  expect((await run('http://data.example', ['download', '--json'], { [name]: setting })).code).toBe(2);
});

const cookies = (domain: string) => `${domain}\tFALSE\t/\tTRUE\t0\tSID\tHUSH\n`;

it.each([
  ['no such file', undefined, 2],
  ['a page', '<html>HUSH</html>', 4],
  ['a value that is a header', cookies('127.0.0.1').replace('HUSH', 'HUSH; x=HUSH'), 4],
  ['five megabytes', cookies('127.0.0.1').repeat(200_000), 2],
])('GDRIVE_COOKIES with %s', async (_, text, ofProbe) => {
  const folder = await temporaryFolder();
  const [path, manifest] = [join(folder, 'cookies.txt'), join(folder, 'm.json')];
  if (text !== undefined) await writeFile(path, text);
  const json = manifestJson([one], { drive: { type: 'google-drive', baseUrl: 'https://drive.invalid' } });
  await writeFile(manifest, JSON.stringify(json));
  for (const command of [
    ['download', '--json'],
    ['info', '--probe'],
  ]) {
    const args = [...command, '--manifest', manifest, '--dir', join(folder, 'pcam')];
    const ended = await runPcam(args, { env: { GDRIVE_COOKIES: path } });
    expect(ended.stdout + ended.stderr).not.toMatch(SECRET);
    expect(ended.code, ended.stderr).toBe(command[0] === 'download' ? 2 : ofProbe);
  }
});

it.skipIf(!openssl)('a session and a token go to no host of a manifest that lay in a folder', async () => {
  const tls = await selfSigned(openssl!);
  const server = await listen((request, response) => send(request, response, one.served), tls);
  const folder = await temporaryFolder();
  const path = join(folder, 'cookies.txt');
  await writeFile(path, cookies('127.0.0.1'));
  const env = { GDRIVE_COOKIES: path, ZENODO_TOKEN: 'HUSH', SSL_CERT_FILE: tls.certPath };
  const places = {
    drive: { type: 'google-drive', baseUrl: server.url },
    zenodo: { type: 'zenodo', baseUrl: server.url, record: '1' },
  };
  const manifest = join(folder, 'manifest.json');
  await writeFile(manifest, JSON.stringify(manifestJson([one], places)));
  const sent = async (args: readonly string[]) => {
    const before = server.requests.length;
    const ended = await runPcam(['info', '--probe', '--json', '--dir', folder, ...args], { env });
    expect(ended.stdout + ended.stderr).not.toMatch(SECRET);
    const headers = server.requests.slice(before).map((request) => request.headers);
    expect(headers).toHaveLength(2);
    return headers.flatMap(({ cookie, authorization }) => [cookie, authorization]).filter(Boolean);
  };
  expect((await sent(['--manifest', manifest])).sort()).toEqual(['Bearer HUSH', 'SID=HUSH']);
  expect(await sent([])).toEqual([]);
});
