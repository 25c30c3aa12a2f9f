/**
 * Runs pcam with the Node.js of another system, on Linux: that of Windows under Wine, that of 64-bit ARM under QEMU.
 * Each step is run with this machine's own Node.js as well, and has to write the same bytes.
 *
 * Usage: node scripts/test-systems.js wine|arm64        exit code 1 when a step fails, or a program is missing
 *
 * Node.js comes from npm, and stays in build/systems for the next time; what a failed run wrote stays there too.
 */
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual, promisify } from 'node:util';
import { startServer } from '../demo/server.js';
import { FORMATS } from '../dist/export/formats/index.js';
import { ROOT } from './lib/bundle.js';
import { fetchNode, NODE_VERSION } from './lib/executable.js';

const run = promisify(execFile);
const PCAM = join(ROOT, 'bin/pcam.js');
const WORK = join(ROOT, 'build/systems');
/** Where Debian's packages of ARM's libraries put them. */
const ARM64_LIBRARIES = '/usr/aarch64-linux-gnu';
/** As few patches as vtab-1k can be made of. */
const COUNTS = ['--train', '800', '--valid', '200', '--test', '64'];
const INPUT = ['--dir', 'data', '--manifest', 'served.json'];
/** The file during which the download is killed, and how much of it is sent before. */
const HELD_FILE = 'camelyonpatch_level_2_split_train_x.h5.gz';
const HELD_AT = 4 * 1024 * 1024;
/** Longest time for one command (ms): QEMU is some ten times slower than the processor itself. */
const MAX_COMMAND_TIME = 600_000;

const SYSTEMS = { wine: startWine, arm64: startQemu };

try {
  process.exitCode = await main(process.argv[2]);
} catch (error) {
  process.stderr.write(`test-systems: ${error.message}\n`);
  process.exitCode = 1;
}

async function main(name) {
  if (!Object.hasOwn(SYSTEMS, name ?? '')) {
    process.stderr.write('usage: node scripts/test-systems.js wine|arm64\n');
    return 1;
  }
  const runs = join(WORK, name);
  await rm(runs, { recursive: true, force: true });
  const { title, node, env, stop } = await SYSTEMS[name]();
  try {
    const ours = { node: [process.execPath], env: environment(), cwd: join(runs, 'here') };
    const theirs = { node, env: { ...environment(), ...env }, cwd: join(runs, 'there') };
    for (const { cwd } of [ours, theirs]) await mkdir(cwd, { recursive: true });
    console.log(`${title}, compared with Node.js ${process.version}, ${process.platform} ${process.arch}`);
    const failures = await runSteps(ours, theirs);
    console.log(failures === 0 ? 'All is the same.' : `${failures} FAILED. What was written is in ${runs}`);
    if (failures === 0) await rm(runs, { recursive: true });
    return failures === 0 ? 0 : 1;
  } finally {
    stop?.();
  }
}

/** Runs every step, whatever becomes of the others, and prints a line about each. Gives the number that failed. */
async function runSteps(ours, theirs) {
  const both = async (...words) => [await pcam(ours, ...words), await pcam(theirs, ...words)];
  let failures = 0;
  const step = async (name, act) => {
    const began = performance.now();
    let result = 'ok    ';
    const found = await act().catch((error) => {
      result = 'FAILED';
      failures += 1;
      return error.message;
    });
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(`${result}  ${seconds.padStart(6)} s  ${name}: ${found}`);
  };

  await step('fixture', async () => {
    await both('fixture', 'archives', ...COUNTS);
    return compareFolders(ours, theirs, 'archives');
  });
  const site = await serveArchives(join(ours.cwd, 'archives'));
  try {
    for (const { cwd } of [ours, theirs]) await writeFile(join(cwd, 'served.json'), site.manifest);
    await step('download over http', async () => {
      await both('download', '--dir', 'whole', '--manifest', 'served.json');
      return compareFolders(ours, theirs, 'whole');
    });
    await step('download, killed in the middle and resumed', async () => {
      await pcam(ours, 'download', ...INPUT);
      await site.whileHeld(() => killDownload(theirs));
      const { files } = await pcam(theirs, 'download', ...INPUT);
      const { status } = files.find(({ name }) => name === HELD_FILE);
      if (status !== 'resumed') throw new Error(`${HELD_FILE} was not resumed but ${status}`);
      return compareFolders(ours, theirs, 'data');
    });
    await step('verify --deep', async () => compareAnswers(await both('verify', ...INPUT, '--deep')));
    await step('stats', async () => {
      for (const { cwd } of [ours, theirs]) await mkdir(join(cwd, 'tables'));
      const found = compareAnswers(await both('stats', ...INPUT, '--table', 'tables/stats.parquet'));
      return `${found}, ${await compareFolders(ours, theirs, 'tables')}`;
    });
    for (const { format, layout } of FORMATS) {
      await step(`export ${format}, ${layout}`, async () => {
        const out = `${format}-${layout}`;
        const how = ['--format', format, '--layout', layout, '--out', out, '--workers', '2'];
        await both('export', ...INPUT, ...how, ...(layout === 'shards' ? ['--shard-size', '200'] : []));
        return compareFolders(ours, theirs, out);
      });
    }
  } finally {
    await site.close();
  }
  return failures;
}

/** A server of what the fixture's step made, and the manifest that names it as the only source. */
async function serveArchives(folder) {
  let held = false;
  const server = await startServer({
    folder,
    fault: ({ name, range, size }) => {
      const { start, end } = range ?? { start: 0, end: size };
      if (!held || name !== HELD_FILE || end <= HELD_AT) return undefined;
      return { after: Math.max(0, HELD_AT - start), ending: 'stall' };
    },
  });
  const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'));
  manifest.sources = { server: { type: 'http', baseUrl: server.url } };
  const whileHeld = async (act) => {
    held = true;
    await act().finally(() => {
      held = false;
    });
  };
  return { manifest: JSON.stringify(manifest), whileHeld, close: server.close };
}

/** Starts a download of which the server holds back the end, and kills it when a part is safe on the disk. */
async function killDownload(machine) {
  const { child, ended } = await begin(machine, ['download', ...INPUT]);
  const over = new AbortController();
  ended.finally(() => over.abort());
  const partial = join(machine.cwd, 'data/.pcam/partial');
  while (!(await hasChunk(partial))) {
    if (over.signal.aborted)
      throw new Error(`the download ended before it was killed: ${(await ended).stderr}`);
    await sleep(100);
  }
  child.kill('SIGKILL');
  await ended;
}

async function hasChunk(partial) {
  const names = await readdir(partial).catch(() => []);
  const journal = names.find((name) => name.startsWith(HELD_FILE) && name.endsWith('.journal'));
  return journal !== undefined && /^c /m.test(await readFile(join(partial, journal), 'utf8'));
}

/** Runs a command that has to succeed. Gives its JSON. */
async function pcam(machine, ...words) {
  const { code, stdout, stderr } = await (await begin(machine, words)).ended;
  if (code !== 0)
    throw new Error(`pcam ${words.join(' ')} ended with ${code}\n${stderr.trimEnd()}\n${stdout}`);
  return JSON.parse(stdout);
}

/** Starts a command. Its output goes to files: under Wine 8, Node.js fails with EBADF when its stdout is a pipe. */
async function begin({ node, env, cwd }, words) {
  const paths = ['stdout', 'stderr'].map((name) => join(cwd, `${name}.txt`));
  const files = await Promise.all(paths.map((path) => open(path, 'w')));
  const [command, ...before] = node;
  const child = spawn(command, [...before, PCAM, ...words, '--json'], {
    cwd,
    env,
    stdio: ['ignore', ...files.map(({ fd }) => fd)],
    timeout: MAX_COMMAND_TIME,
    killSignal: 'SIGKILL',
  });
  await Promise.all(files.map((file) => file.close()));
  const ended = once(child, 'close').then(async ([code, signal]) => {
    const [stdout, stderr] = await Promise.all(paths.map((path) => readFile(path, 'utf8')));
    return { code: code ?? signal, stdout, stderr };
  });
  return { child, ended };
}

/** Without the settings that a person may have for pcam, and with no proxy before the server. */
function environment() {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith('PCAM_'));
  return { ...Object.fromEntries(entries), NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' };
}

function compareAnswers([ours, theirs]) {
  const withoutManifest = (answer) => ({ ...answer, manifest: undefined });
  if (!isDeepStrictEqual(withoutManifest(ours), withoutManifest(theirs))) throw new Error('the JSON differs');
  return 'the same JSON';
}

async function compareFolders(ours, theirs, name) {
  const [here, there] = await Promise.all([ours, theirs].map(({ cwd }) => digestsOf(join(cwd, name))));
  const paths = [...new Set([...here.keys(), ...there.keys()])];
  const wrong = paths.filter((path) => here.get(path) !== there.get(path));
  if (wrong.length > 0)
    throw new Error(`${wrong.length} of ${paths.length} files differ: ${wrong.join(', ')}`);
  if (paths.length === 0) throw new Error('no files were written');
  return `${paths.length} ${paths.length === 1 ? 'file' : 'files'}, the same`;
}

/** SHA-256 by path, without pcam's own notes. */
async function digestsOf(folder) {
  const digests = new Map();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(folder.length + 1);
    if (!entry.isFile() || name.startsWith('.pcam')) continue;
    digests.set(
      name,
      createHash('sha256')
        .update(await readFile(path))
        .digest('hex'),
    );
  }
  return digests;
}

/** Node.js for Windows under Wine, in a Windows of its own. */
async function startWine() {
  const wine = await findProgram(['wine64', '/usr/lib/wine/wine64'], 'Wine', 'apt install wine64');
  const node = await fetchNode('win-x64', WORK);
  const env = { WINEPREFIX: join(WORK, 'windows'), WINEDEBUG: '-all' };
  // Node.js refuses to run on what Wine 8 pretends to be without this: Windows 7.
  const options = { env: { ...process.env, ...env } };
  await run(wine.command, ['winecfg', '/v', 'win10'], options);
  // Without a process that stays, Wine shuts Windows down between two commands and numbers the processes of the next
  // one from the start: a killed one and its successor would have the same number.
  const idle = spawn(wine.command, [node, '-e', 'setInterval(() => {}, 1e9)'], {
    ...options,
    stdio: 'ignore',
  });
  const title = `Node.js ${NODE_VERSION} for Windows, under ${wine.version}`;
  return { title, node: [wine.command, node], env, stop: () => idle.kill('SIGKILL') };
}

/** Node.js for 64-bit ARM under QEMU, which translates the instructions of one program. */
async function startQemu() {
  const packages = 'apt install qemu-user-static libc6-arm64-cross libstdc++6-arm64-cross';
  const qemu = await findProgram(['qemu-aarch64-static', 'qemu-aarch64'], 'QEMU', packages);
  for (const name of ['ld-linux-aarch64.so.1', 'libstdc++.so.6']) {
    const path = join(ARM64_LIBRARIES, 'lib', name);
    if (!existsSync(path)) throw new Error(`${path} is missing: ${packages}`);
  }
  const node = await fetchNode('linux-arm64', WORK);
  const version = /version [\d.]+/.exec(qemu.version)?.[0];
  const title = `Node.js ${NODE_VERSION} for Linux on 64-bit ARM, under QEMU, ${version}`;
  return { title, node: [qemu.command, '-L', ARM64_LIBRARIES, node] };
}

async function findProgram(commands, name, packages) {
  for (const command of commands) {
    const found = await run(command, ['--version']).catch((error) => {
      if (error.code !== 'ENOENT') throw error;
    });
    if (found) return { command, version: found.stdout.split('\n')[0].trim() };
  }
  throw new Error(`${name} is missing (${commands.join(', ')}): ${packages}`);
}
