/**
 * The whole way in twenty seconds, with no internet: a small synthetic PCam, a server on this machine that stands in
 * for Google Drive and Zenodo and misbehaves once in a while, and the real command line against it.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createFixture } from '../dist/index.js';
import { startServer } from './server.js';

const PCAM = fileURLToPath(new URL('../bin/pcam.js', import.meta.url));
const ROOT = process.argv[2] ?? 'pcam-demo';
const SERVED = join(ROOT, 'served');
const DATA = join(ROOT, 'pcam');
const SHARDS = join(ROOT, 'shards');
const MANIFEST = join(ROOT, 'manifest.json');
const REPORT = join(ROOT, 'report.html');
const SHEET = join(ROOT, 'sheet.png');
/** A command that works where the demo was started. */
const COMMAND = `node ${relative(process.cwd(), PCAM)}`;
/** Slow enough for the bars to be seen. */
const RATE = 12_000_000;

/** A step of the demo ended with this exit code, and there is no point in going on. */
class Stopped extends Error {
  constructor(code) {
    super();
    this.code = code;
  }
}

async function main() {
  say('A small synthetic PCam, drawn on this machine (the same bytes every time):\n');
  await clear();
  const fixture = await createFixture({ dir: SERVED, train: 768, valid: 192, test: 192 });
  const total = fixture.files.reduce((sum, file) => sum + file.bytes, 0);
  say(`  ${fixture.files.length} files, ${megabytes(total)}, in ${SERVED}\n`);
  const server = await startServer({
    folder: SERVED,
    fault: mischief(),
    redirects: true,
    scanOver: 1_000_000,
    rate: RATE,
  });
  try {
    await writeManifest(server.url);
    say(`It is served at ${server.url} as Google Drive and Zenodo would: with`);
    say('virus-scan pages, a connection that drops, a used-up quota and a');
    say('"429 Too Many Requests". Watch pcam get it all the same.');
    await pcam(['download', '--manifest', MANIFEST, '--dir', DATA]);
    await pcam(['verify', '--manifest', MANIFEST, '--dir', DATA]);
    const options = ['--format', 'png', '--split', 'valid', '--shard-size', '64', '--out', SHARDS];
    await pcam(['export', '--manifest', MANIFEST, '--dir', DATA, ...options]);
    await pcam(['stats', '--manifest', MANIFEST, '--dir', DATA]);
    await pcam(['report', '--manifest', MANIFEST, '--dir', DATA, '-o', REPORT]);
    await pcam(['preview', '--manifest', MANIFEST, '--dir', DATA, ...sheet()]);
  } finally {
    await server.close();
  }
  await show();
}

/** Removes what an earlier demo left, and nothing of anybody else. */
async function clear() {
  const ours = existsSync(MANIFEST) && existsSync(join(SERVED, 'manifest.json'));
  const taken = [DATA, SHARDS].find((path) => existsSync(path));
  if (taken !== undefined && !ours) throw new Error(`${taken} is there already, and not from a demo`);
  for (const path of [DATA, SHARDS]) await rm(path, { recursive: true, force: true });
}

/**
 * What goes wrong, by what is asked for and not by when, so that every run shows all of it. Google Drive has used up its
 * quota for one file; Zenodo asks to wait before it sends that file, and again while Google Drive was not asked for it.
 */
function mischief() {
  const done = new Set();
  const first = (what) => !done.has(what) && done.add(what);
  return ({ source, name, step }) => {
    const scarce = /test_x/.test(name);
    if (source === 'zenodo' && scarce && (first('429') || !done.has('quota'))) {
      return { status: 429, headers: { 'retry-after': '2' } };
    }
    if (source !== 'google-drive' || step !== 'file') return undefined;
    if (scarce) {
      done.add('quota');
      return { page: 'quota' };
    }
    if (/train_x/.test(name) && first('drop')) return { after: 700_000, ending: 'reset' };
    return undefined;
  };
}

async function writeManifest(url) {
  const manifest = JSON.parse(await readFile(join(SERVED, 'manifest.json'), 'utf8'));
  manifest.sources = {
    gdrive: { type: 'google-drive', baseUrl: url },
    zenodo: { type: 'zenodo', baseUrl: url, record: '2546921' },
  };
  await writeFile(MANIFEST, `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Runs the command line as a person would; its bars go straight to the terminal. */
async function pcam(args) {
  say(`\n$ ${wrap(`pcam ${args.join(' ')}`)}\n`);
  const code = await run(args, 'inherit');
  if (code !== 0) throw new Stopped(code);
}

function run(args, stdio, onText = () => {}) {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' };
    const child = spawn(process.execPath, [PCAM, ...args], { stdio, env });
    child.stdout?.on('data', onText);
    // Ctrl-C reaches the child from the terminal as well: it says what is to be said, and we wait for it.
    const wait = () => {};
    const pass = () => child.kill('SIGTERM');
    process.on('SIGINT', wait);
    process.on('SIGTERM', pass);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      process.off('SIGINT', wait);
      process.off('SIGTERM', pass);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 143));
    });
  });
}

/** Patches on the terminal itself where it has colours, else in a file. */
function sheet() {
  const colours = process.stdout.isTTY && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
  return colours ? ['--rows', '1'] : ['-o', SHEET];
}

async function show() {
  say(`\nWhat is there now:\n`);
  for (const folder of [DATA, SHARDS]) await list(folder);
  say(`
That is the layout that torchvision, eva, h5py and WebDataset readers expect.
The real thing, from here:

  ${COMMAND} download --split valid    one split, 0.8 GB
  ${COMMAND} download                  all of it, 8 GB
  ${COMMAND} --help                    everything else

The report is ${REPORT}: open it in a browser.
Remove ${ROOT} when you have seen enough.`);
}

/** A command in lines of less than 80 columns, which can be pasted as they are. */
function wrap(command) {
  const lines = [''];
  for (const word of command.split(' ')) {
    if (lines.at(-1).length + word.length > 74) lines.push('');
    lines[lines.length - 1] += `${lines.at(-1) === '' ? '' : ' '}${word}`;
  }
  return lines.join(' \\\n    ');
}

async function list(folder) {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  for (const name of names.sort()) {
    const stats = await stat(join(folder, name));
    if (!stats.isFile() || name.startsWith('.pcam')) continue;
    say(`  ${megabytes(stats.size).padStart(9)}  ${join(folder, name)}`);
  }
}

function megabytes(bytes) {
  return bytes < 100_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function say(line) {
  process.stdout.write(`${line}\n`);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof Stopped)) process.stderr.write(`demo: ${error.message}\n`);
  process.exitCode = error.code > 0 ? error.code : 1;
}
