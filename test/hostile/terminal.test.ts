/** Text from outside on a terminal: shown, never obeyed, and never in a line of its own that could pass for one of ours. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { noise, put } from '../support/files.js';
import { runPcam } from '../support/in-process.js';
import { PCAM, start, startPcam } from '../support/process.js';
import { temporaryFolder } from '../support/temp.js';
import { IMAGES, META, smallDataset } from './small.js';

const run = promisify(execFile);

const FORGED = 'all files verified, nothing to do';
/** What terminals obey: colours, titles, the clipboard, the one-byte CSI, cursor keys, directions of writing, lines. */
const EVIL = [
  'a\u001b[2J\u001b[31mred\u001b]0;title\u0007',
  '\u001b]8;;http://evil.example\u001b\\link\u001b]52;c;ZXZpbA==\u0007',
  '\u009b31m\u009d0;title\u009c\u0090',
  '\b\b\b\u007f\u0000\v\f',
  'a\u202egpj.exe\u2066x\u200f\u061c',
  `\r\n${FORGED}\npcam: ${FORGED}\u2028${FORGED}\u0085${FORGED}`,
].join(' ');

const OBEYED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

function expectHarmless(text: string): void {
  expect(OBEYED.exec(text)?.[0]).toBeUndefined();
  for (const line of text.split('\n')) expect(line).not.toMatch(new RegExp(`^\\s*(pcam: )?${FORGED}`));
}

async function harmless(args: readonly string[], cwd?: string): Promise<{ code?: number; text: string }> {
  const { code, stdout, stderr } = await (cwd ? startPcam(args, { cwd }).ended : runPcam(args));
  expectHarmless(stdout);
  expectHarmless(stderr);
  return { code, text: stdout + stderr };
}

/** A server that answers each request with these bytes, whatever HTTP says about them. */
async function rawServer(reply: string): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(Buffer.from(reply, 'utf8')));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())));
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

function http(status: string, headers: readonly string[], body = ''): string {
  const length = `content-length: ${Buffer.byteLength(body)}`;
  return [`HTTP/1.1 ${status}`, ...headers, length, 'connection: close', '', body].join('\r\n');
}

const bytes = noise(100).toString('latin1');
/** A header can hold what is neither CR, LF nor NUL. */
const HEADER = EVIL.replace(/[\0\r\n]/g, '');
const page = `<title>${EVIL}</title><p class="uc-error-subcaption">${EVIL}</p>`;
const REPLIES: [string, string][] = [
  ['another page', http('200 OK', ['content-type: text/html'], page)],
  ['a quota page', http('200 OK', ['content-type: text/html'], page.replace('<title>', '<title>quota'))],
  [
    'a form that leads nowhere',
    http('200 OK', ['content-type: text/html'], `<form id="download-form" action="${EVIL}">`),
  ],
  ['a status line', http(`403 ${HEADER}`, [])],
  ['Content-Range', http('206 OK', [`content-range: bytes ${HEADER}`, 'content-disposition: a'], bytes)],
  ['an ETag', http('200 OK', [`etag: "${HEADER}"`, 'content-disposition: a'], bytes)],
  ['Content-Disposition', http('200 OK', [`content-disposition: attachment; filename="${HEADER}"`], bytes)],
  ['Location', http('302 Found', [`location: ${HEADER}`])],
  ['a Location of another kind', http('302 Found', [`location: evil${HEADER}://x`])],
  ['a Location at a strange host', http('302 Found', [`location: http://a${HEADER}/`])],
  [
    'Retry-After',
    http('429 Too Many', [`retry-after: ${HEADER}`, 'x-ratelimit-reset: 99999999999999999999']),
  ],
  ['no HTTP at all', EVIL],
];

describe('what a server sends', () => {
  it.each(REPLIES)('%s', async (what, reply) => {
    const data = await smallDataset();
    const url = await rawServer(reply);
    const json = JSON.parse(await readFile(data.manifest, 'utf8'));
    json.files = json.files.slice(0, 1);
    json.sources = { drive: { type: 'google-drive', baseUrl: url } };
    await writeFile(data.manifest, JSON.stringify(json));
    const args = ['download', '--manifest', data.manifest, '--dir', data.dir];
    const limited = startPcam(args);
    // A source may be asked again and again, with pauses between; the first words about it are enough.
    limited.child.stderr!.on('data', (words: string) => {
      if (/drive: pausing|giving up on drive/.test(words)) limited.child.kill('SIGTERM');
    });
    const { stdout, stderr } = await limited.ended;
    expect(stderr).toMatch(/drive: pausing|giving up on drive/);
    expect(stderr).toContain(what.endsWith('page') ? 'red' : '');
    expectHarmless(stdout);
    expectHarmless(stderr);
  });
});

describe('what a manifest says', () => {
  it('in its texts', async () => {
    const data = await smallDataset();
    const json = JSON.parse(await readFile(data.manifest, 'utf8'));
    Object.assign(json, { dataset: EVIL, homepage: EVIL, license: EVIL, citation: [EVIL, EVIL] });
    json.files[0].array = { path: EVIL, shape: [1] };
    json.sources = { folder: { type: 'file', baseUrl: `./${EVIL.replaceAll('\0', '')}` } };
    await writeFile(data.manifest, JSON.stringify(json));
    const common = ['--manifest', data.manifest, '--dir', data.dir];
    expect((await harmless(['info', ...common])).code).toBe(0);
    expect((await harmless(['download', ...common])).code).toBe(4);
    await put(data.dir, { [IMAGES]: data.images.plain, [META]: data.meta.plain });
    expect((await harmless(['verify', '--deep', ...common])).code).toBe(3);
    const { stdout } = await runPcam(['info', '--json', ...common]);
    expectHarmless(stdout);
    expect(JSON.parse(stdout)).toMatchObject({ dataset: EVIL, citation: [EVIL, EVIL] });
  });

  it.each<[string, unknown]>([
    ['a name', { files: [{ name: EVIL }] }],
    ['a source', { sources: { [EVIL]: {} } }],
    ['a digest', { files: [{ name: 'a', split: 'train', kind: 'meta', md5: EVIL }] }],
    ['a version', { schemaVersion: EVIL }],
    ['a key', { [EVIL]: EVIL, files: EVIL }],
  ])('where it is refused: %s', async (_, json) => {
    const data = await smallDataset();
    const whole = { ...JSON.parse(await readFile(data.manifest, 'utf8')), ...(json as object) };
    await writeFile(data.manifest, JSON.stringify(whole));
    for (const more of [[], ['--json']])
      expect((await harmless(['info', '--manifest', data.manifest, ...more])).code).not.toBe(1);
  });

  it('where it is no JSON', async () => {
    const data = await smallDataset();
    await writeFile(data.manifest, `{"a": ${EVIL}`);
    expect((await harmless(['info', '--manifest', data.manifest])).code).toBe(2);
  });
});

describe('what lies in the folder', () => {
  const name = EVIL.replace(/[\0/]/g, '').slice(0, 120);

  it('a folder, a manifest, arguments', async () => {
    const data = await smallDataset();
    const dir = join(data.root, name);
    await mkdir(dir);
    const common = ['--manifest', data.manifest, '--dir', dir];
    expect((await harmless(['download', ...common])).code).toBe(0);
    expect((await harmless(['verify', '--deep', ...common])).code).toBe(3);
    await harmless(['info', ...common]);
    for (const args of [
      [name],
      ['info', name],
      [`--${name}`],
      ['download', `--split=${name}`],
      ['info', '--help'],
    ]) {
      await harmless(args, dir);
    }
    expect((await harmless(['info', '--manifest', join(data.root, name, 'm')])).code).toBe(2);
  });

  it('the names and fields of a CSV and of an HDF5 file', async () => {
    const data = await smallDataset();
    await put(data.dir, { [META]: `"${EVIL.replaceAll('"', '')}",wsi\n1,2\n` });
    const { File, ready } = await import('h5wasm/node');
    await ready;
    const file = new File(join(data.dir, IMAGES), 'w');
    file.create_dataset({ name: EVIL.replace(/[\0/]/g, ''), data: new Uint8Array(4) });
    file.close();
    const args = ['--manifest', data.manifest, '--dir', data.dir];
    for (const more of [[], ['--json']]) {
      const { code, text } = await harmless(['verify', '--deep', ...args, ...more]);
      expect(code).toBe(3);
      expect(text).toContain('coord_x');
    }
  });

  it('receipts, a lock and a journal', async () => {
    const data = await smallDataset();
    const lock = { pid: process.pid, host: EVIL, started: '', command: EVIL };
    await put(data.paths.state, { lock: JSON.stringify(lock) });
    const args = ['--manifest', data.manifest, '--dir', data.dir];
    expect((await harmless(['download', ...args])).code).toBe(5);
    expect((await harmless(['verify', '--fix', '--json', ...args])).code).toBe(5);
  });
});

it('the bars leave no timer behind, whatever comes before the first one', async () => {
  const root = await temporaryFolder();
  const progress = fileURLToPath(new URL('../../dist/report/progress.js', import.meta.url));
  await put(root, {
    'bars.mjs': `import { Writable } from 'node:stream';
      import { createProgress } from ${JSON.stringify(progress)};
      const stream = Object.assign(new Writable({ write: (_, __, done) => done() }), { isTTY: true, columns: 80 });
      Object.assign(stream, { cursorTo() {}, moveCursor() {}, clearLine() {}, clearScreenDown() {} });
      const bars = await createProgress({ stream, mode: 'bar' });
      const task = { task: 'a', step: 'fetch', unit: 'bytes', done: 1, total: 2 };
      const late = { type: 'notice', message: 'late' };
      bars.onEvent({ type: 'notice', message: 'early' });
      bars.onEvent({ type: 'progress', ...task });
      bars.onEvent({ type: 'end', ...task, outcome: 'downloaded', seconds: 1 });
      bars.stop();
      bars.onEvent(late);
      bars.stop();`,
  });
  const { child, ended } = start(join(root, 'bars.mjs'), []);
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  const { code, stderr } = await ended;
  clearTimeout(timer);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});

it('on a real terminal nothing but our own bars is obeyed', async () => {
  const data = await smallDataset();
  const url = await rawServer(http('200 OK', ['content-type: text/html'], page));
  const json = JSON.parse(await readFile(data.manifest, 'utf8'));
  json.sources = { drive: { type: 'google-drive', baseUrl: url }, ...json.sources };
  await writeFile(data.manifest, JSON.stringify(json));
  const command = [process.execPath, PCAM, 'download', '--manifest', data.manifest, '--dir', data.dir];
  const quoted = command.map((word) => `'${word}'`).join(' ');
  // script(1) of util-linux gives the command a terminal of its own.
  const { stdout } = await run('script', ['-qec', `stty cols 100; ${quoted}`, '/dev/null']);
  expect(stdout).toContain('verified in');
  // The bars move the cursor and hide it, and words are coloured: CSI with numbers and one of these letters.
  const rest = stdout.replace(/\u001b\[\??\d*[A-HJKhlm]/g, '').replaceAll('\r', '');
  expectHarmless(rest.replaceAll('\u001b7', '').replaceAll('\u001b8', ''));
});
