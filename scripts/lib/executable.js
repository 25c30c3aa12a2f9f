/**
 * A Node.js single executable application: the command line and its workers as one script each, in a copy of node.
 * https://nodejs.org/api/single-executable-applications.html
 */
import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { inject } from 'postject';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const DIST = join(ROOT, 'dist');
/** Written into node by its own build, and turned by postject. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
const WORKER = /(^|[/\\])([a-z]+-)?worker\.js$/;
/** Files of the package that src/core/package.ts is asked for. */
const FILES = [
  'package.json',
  'manifest.json',
  ...['index.html', 'page.css', 'page.js'].map((name) => `dist/browse/page/${name}`),
  ...['bash', 'zsh', 'fish'].map((shell) => `completion/pcam.${shell}`),
];

/**
 * @param {{node: string, out: string}} options the node to copy, and where to put the executable
 * @returns {Promise<{bytes: number, seconds: number}>}
 */
export async function buildExecutable({ node, out }) {
  const started = performance.now();
  const temporary = await mkdtemp(join(dirname(out), '.pcam-exe-'));
  try {
    const assets = await prepareAssets(temporary);
    const main = join(temporary, 'main.js');
    await bundle(main, {
      // A promise that never settles must not look like success.
      stdin: {
        contents: `import { main } from './dist/cli.js';
process.exitCode = 1;
main(process.argv.slice(2)).then((code) => { process.exitCode = code; });`,
        resolveDir: ROOT,
      },
    });
    const blob = join(temporary, 'pcam.blob');
    const config = join(temporary, 'sea.json');
    const settings = {
      main,
      output: blob,
      disableExperimentalSEAWarning: true,
      // Without it, compiling the script takes half of the start-up.
      useCodeCache: true,
      assets,
    };
    await writeFile(config, JSON.stringify(settings));
    await run(node, ['--experimental-sea-config', config]);
    const copy = join(temporary, 'pcam');
    await assemble({ node, blob, copy });
    await rename(copy, out);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return { bytes: (await stat(out)).size, seconds: (performance.now() - started) / 1000 };
}

/** @returns {Promise<Record<string, string>>} the path of each asset by the name that package.ts asks for */
async function prepareAssets(temporary) {
  const assets = Object.fromEntries(FILES.map((name) => [name, join(ROOT, name)]));
  for (const name of await readdir(DIST, { recursive: true })) {
    if (!WORKER.test(name)) continue;
    const script = name.replaceAll('\\', '/');
    const path = join(temporary, script.replaceAll('/', '-'));
    await bundle(path, { entryPoints: [join(DIST, name)] });
    assets[script] = path;
  }
  const library = join(temporary, 'hdf5_util.js');
  await writeFile(library, await hdf5Library());
  return { ...assets, 'hdf5_util.js': library };
}

async function bundle(outfile, entry) {
  await build({
    ...entry,
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    // A script with a code cache cannot import: what Node has built in is required instead.
    supported: { 'dynamic-import': false },
    legalComments: 'inline',
    // Where the code lies in a folder it looks beside itself; here it never gets there.
    define: { 'import.meta.url': '""', 'import.meta.resolve': 'undefined' },
    logLevel: 'warning',
  });
}

/** The module with the WebAssembly in it, as the body of a CommonJS module. */
async function hdf5Library() {
  let text = await readFile(new URL('hdf5_util.js', import.meta.resolve('h5wasm')), 'utf8');
  const changes = [
    ['var _scriptName=import.meta.url', 'var _scriptName="pcam"'],
    ['export default Module;', 'module.exports = { default: Module };'],
  ];
  for (const [from, to] of changes) {
    if (text.split(from).length !== 2)
      throw new Error(`h5wasm has changed: there is not one \`${from}\` in it`);
    text = text.replace(from, () => to);
  }
  return `'use strict';${text}`;
}

async function assemble({ node, blob, copy }) {
  await copyFile(node, copy);
  await chmod(copy, 0o755);
  const mac = process.platform === 'darwin';
  // A signature of what it was before would keep macOS from starting it.
  if (mac) await run('codesign', ['--remove-signature', copy]);
  await inject(copy, 'NODE_SEA_BLOB', await readFile(blob), {
    sentinelFuse: FUSE,
    ...(mac ? { machoSegmentName: 'NODE_SEA' } : {}),
  });
  if (mac) await run('codesign', ['--sign', '-', copy]);
}
