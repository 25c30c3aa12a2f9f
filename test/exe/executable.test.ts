/** The one-file executable, where there is no Node.js: it does what the npm build does, byte for byte. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FORMATS } from '#pcam/export/formats/index.js';
import { buildExecutable } from '../../scripts/lib/executable.js';
import { partialPaths } from '../support/part.js';
import { Series } from '../support/series.js';
import { listen, send } from '../support/server.js';
import { sharedFolder } from '../support/temp.js';
import { treeOf } from '../support/tree.js';
import { until } from '../support/until.js';

const CAN_BUILD = ['linux', 'darwin', 'win32'].includes(process.platform);
const COUNTS = ['--train', '250', '--valid', '40', '--test', '30'];

interface Program {
  readonly command: string;
  readonly args: readonly string[];
  /** Its own folder; the same names are in it for each program. */
  readonly cwd: string;
}

interface Ended {
  readonly code: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

let root: { folder: string; remove: () => Promise<void> };
let executable: Program;
/** Where the npm build does the same, in one process for all commands. */
let npm: Pick<Program, 'cwd'>;
const series = new Series(60_000);

beforeAll(async () => {
  root = await sharedFolder();
  const out = join(root.folder, process.platform === 'win32' ? 'pcam.exe' : 'pcam');
  await buildExecutable({ node: process.execPath, out });
  executable = { command: out, args: [], cwd: join(root.folder, 'a') };
  npm = { cwd: join(root.folder, 'b') };
  for (const { cwd } of [executable, npm]) await mkdir(cwd);
}, 120_000);
afterAll(async () => {
  series.kill();
  await root?.remove();
});

/** Starts a program in its folder, with nothing in PATH. */
function begin({ command, args, cwd }: Program, words: readonly string[]) {
  const child = spawn(command, [...args, ...words], {
    cwd,
    env: { PATH: cwd },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (some: string) => {
      text[name] += some;
    });
  return { child, ended: once(child, 'close').then(([code]): Ended => ({ code, ...text })) };
}

/** Runs a command that has to succeed. */
async function run(program: Program, ...words: string[]): Promise<string> {
  return outputOf(words, await begin(program, words).ended);
}

async function runNpm(...words: string[]): Promise<string> {
  return outputOf(words, await series.run(words, { cwd: npm.cwd }));
}

function outputOf(words: readonly string[], { code, stdout, stderr }: Ended): string {
  expect([words[0], code, stderr]).toEqual([words[0], 0, expect.any(String)]);
  return stdout;
}

async function both(...words: string[]): Promise<[string, string]> {
  return [await run(executable, ...words), await runNpm(...words)];
}

async function expectSame(name: string): Promise<void> {
  const [ours, theirs] = await Promise.all([executable, npm].map(({ cwd }) => treeOf(join(cwd, name))));
  const visible = (tree: Record<string, string>) =>
    Object.fromEntries(Object.entries(tree).filter(([path]) => !path.startsWith('.pcam')));
  expect(Object.keys(visible(ours!)).length).toBeGreaterThan(0);
  expect(visible(ours!)).toEqual(visible(theirs!));
}

describe.skipIf(!CAN_BUILD)('the executable', () => {
  it('has no node to run it but its own, and knows its version', async () => {
    const { code } = await begin({ ...executable, command: '/usr/bin/env' }, ['node', '--version']).ended;
    expect(code).toBe(127);
    const [ours, theirs] = await both('--version');
    expect(ours).toBe(theirs);
  });

  it('makes the same fixture', async () => {
    await both('fixture', 'archives', ...COUNTS);
    await expectSame('archives');
  });

  it('downloads from a server, killed in the middle, and continues', async () => {
    const archives = join(executable.cwd, 'archives');
    let held = true;
    const server = await listen(async (request, response) => {
      const name = decodeURIComponent(new URL(request.url!, 'http://h').pathname.slice(1));
      const bytes = await readFile(join(archives, name));
      if (!held || !name.endsWith('train_x.h5.gz')) return send(request, response, bytes);
      // Three quarters, and then nothing more until the program is killed.
      const [, first = '0', last] = /^bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? [];
      const [start, end] = [Number(first), last ? Number(last) + 1 : bytes.length];
      response.writeHead(206, {
        'content-range': `bytes ${start}-${end - 1}/${bytes.length}`,
        'content-length': end - start,
      });
      response.flushHeaders();
      response.write(bytes.subarray(start, Math.max(start, Math.min(end, Math.floor(bytes.length * 0.75)))));
    });
    const manifest = JSON.parse(await readFile(join(archives, 'manifest.json'), 'utf8'));
    const sources = { server: { type: 'http', baseUrl: server.url } };
    for (const { cwd } of [executable, npm])
      await writeFile(join(cwd, 'served.json'), JSON.stringify({ ...manifest, sources }));
    const words = ['download', '--dir', 'data', '--manifest', 'served.json', '--connections', '1', '--json'];
    const { child, ended } = begin(executable, words);
    await until('a chunk is safe on the disk', async () => {
      const [partial] = partialPaths(
        join(executable.cwd, 'data'),
        'camelyonpatch_level_2_split_train_x.h5.gz',
      );
      expect((await readFile(`${partial}.journal`, 'utf8')).match(/^c /gm)).not.toBeNull();
    });
    child.kill('SIGKILL');
    await ended;
    held = false;
    const resumed = JSON.parse(await run(executable, ...words));
    expect(resumed.files).toContainEqual(expect.objectContaining({ status: 'resumed' }));
    await runNpm(...words);
    await expectSame('data');
  });

  it('verifies, deep', async () => {
    const [ours, theirs] = await both(
      'verify',
      '--deep',
      '--dir',
      'data',
      '--manifest',
      'archives/manifest.json',
      '--json',
    );
    expect(JSON.parse(ours)).toMatchObject({ ok: true });
    // Each names the manifest of its own folder.
    const withoutManifest = (text: string) => ({ ...JSON.parse(text), manifest: undefined });
    expect(withoutManifest(ours)).toEqual(withoutManifest(theirs));
  });

  it('measures, and writes a report', async () => {
    const input = ['--dir', 'data', '--manifest', 'archives/manifest.json'];
    const [ours, theirs] = await both('stats', ...input, '--table', 'table.csv', '--json');
    expect(JSON.parse(ours)).toEqual(JSON.parse(theirs));
    await both('report', ...input, '-o', 'report.html', '--json');
    for (const name of ['table.csv', 'report.html']) {
      const [a, b] = await Promise.all([executable, npm].map(({ cwd }) => readFile(join(cwd, name), 'utf8')));
      expect(a).toBe(b);
    }
  });

  it('makes a subset', async () => {
    const input = ['--dir', 'data', '--manifest', 'archives/manifest.json'];
    await both('subset', ...input, '--out', 'small', '--per-class', '5', '--seed', '7', '--archives');
    await expectSame('small');
  });

  // vtab-1k takes 1,000 patches, and adds no library to those of png.
  const formats = FORMATS.filter(({ format }) => format !== 'vtab-1k');
  it.each(formats.map(({ format, layout }) => [format, layout]))('exports %s, %s', async (format, layout) => {
    const out = `${format}-${layout}`;
    const input = ['--dir', 'data', '--manifest', 'archives/manifest.json', '--out', out];
    // Two threads that unpack the same library, once; the others prove nothing more of it.
    const workers = format === 'png' ? '2' : '1';
    const how = ['--format', format, '--layout', layout, '--shard-size', '100', '--workers', workers];
    await both('export', ...how, ...input);
    await expectSame(out);
  });
});
