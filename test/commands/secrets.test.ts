/** Whatever command is given a password or a token, and however that ends: nobody sees it. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { closedPort } from '../support/fault-server.js';
import { archive, manifestJson, noise } from '../support/files.js';
import { runPcam } from '../support/in-process.js';
import { listen, send } from '../support/server.js';
import { temporaryFolder } from '../support/temp.js';

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
