/** What the executable and the Python wheel share: the bundled command line and its workers, HDF5's library, licences. */
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const DIST = join(ROOT, 'dist');
/** Files of the package that src/core/package.ts reads. */
export const PACKAGE_FILES = ['package.json', 'manifest.json'];
const WORKER = /(^|[/\\])([a-z]+-)?worker\.js$/;

/** Paths of the worker scripts below dist/, with slashes. */
export async function workerScripts() {
  const names = await readdir(DIST, { recursive: true });
  return names
    .filter((name) => WORKER.test(name))
    .map((name) => name.replaceAll('\\', '/'))
    .sort();
}

/** In place of src/core/package.ts where everything lies in one folder, as in the wheel. */
const ONE_FOLDER = `
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
const at = (name) => fileURLToPath(new URL(name, import.meta.url));
export const assetPath = at;
export const assetText = (name) => readFileSync(at(name), 'utf8');
export const workerCode = (script) => ({ code: at(script.replaceAll('/', '-').replace(/js$/, 'mjs')), eval: false });
export const importBeside = async (_entry, file) => createRequire(import.meta.url)(at(file.replace(/js$/, 'cjs')));
`;

/** Fills `out` with pcam.mjs, its chunks and workers (ESM, split: a command reads only what it needs), and their files. */
export async function bundleForFolder({ out, entry }) {
  const entryPoints = { pcam: entry };
  for (const script of await workerScripts())
    entryPoints[script.replaceAll('/', '-').replace(/\.js$/, '')] = join(DIST, script);
  const { warnings, metafile } = await build({
    entryPoints,
    metafile: true,
    outdir: out,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    minifySyntax: true,
    minifyWhitespace: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // CommonJS packages among the dependencies require built-in modules.
    banner: {
      js: "import { createRequire as $require } from 'node:module'; const require = $require(import.meta.url);",
    },
    legalComments: 'inline',
    plugins: [oneFolder],
    logLevel: 'warning',
  });
  if (warnings.length > 0) throw new Error(`esbuild has ${warnings.length} warnings`);
  await writeFile(join(out, 'hdf5_util.cjs'), await hdf5Library());
  for (const name of PACKAGE_FILES) await cp(join(ROOT, name), join(out, name));
  await writeFile(join(out, 'THIRD-PARTY-LICENSES.txt'), await licences(Object.keys(metafile.inputs)));
}

const oneFolder = {
  name: 'one-folder',
  setup({ onLoad }) {
    onLoad({ filter: /[/\\]dist[/\\]core[/\\]package\.js$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      // Names and facts stay those of package.ts; only the way to its files is replaced.
      const facts = text.slice(text.indexOf('const facts ='), text.indexOf('export function'));
      if (!facts.includes('VERSION')) throw new Error('src/core/package.ts has changed: adapt ONE_FOLDER');
      return { contents: ONE_FOLDER + facts.replaceAll('home.text', 'assetText'), loader: 'js', resolveDir: DIST };
    });
  },
};

/** HDF5's module with the WebAssembly in it, as the body of a CommonJS module. */
export async function hdf5Library() {
  let text = await readFile(new URL('hdf5_util.js', import.meta.resolve('h5wasm/node')), 'utf8');
  const changes = [
    ['const{createRequire}=await import("module");var require=createRequire(import.meta.url)', ''],
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

/** The licences of the packages that the inputs are from; their terms ask for them in every copy. */
export async function licences(inputs) {
  const packages = inputs.flatMap(
    (path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.slice(0, 1) ?? [],
  );
  const texts = [...new Set([...packages, 'node_modules/h5wasm/'])].sort().map(async (folder) => {
    const { name, version, license } = JSON.parse(await readFile(join(ROOT, folder, 'package.json'), 'utf8'));
    const file = (await readdir(join(ROOT, folder))).find((one) => /^(licen[sc]e|copying)/i.test(one));
    if (!file) throw new Error(`${name} comes without the text of its licence`);
    return `${name} ${version} (${license})\n\n${(await readFile(join(ROOT, folder, file), 'utf8')).trim()}\n`;
  });
  return (await Promise.all(texts)).join(`\n${'-'.repeat(80)}\n\n`);
}
