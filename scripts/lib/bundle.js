/** What the executables and the Python wheel share: bundled scripts, HDF5's library, the package's files, licences. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const DIST = join(ROOT, 'dist');
/** Scripts of worker threads, below dist/. */
export const WORKERS = ['worker.js'];
export const HDF5_LIBRARY = 'hdf5_util.js';
export const LICENCES = 'THIRD-PARTY-LICENSES.txt';
/** Files of the package that src/core/package.ts reads, below its root. */
export const PACKAGE_FILES = [
  'package.json',
  'manifest.json',
  ...['index.html', 'page.css', 'page.js'].map((name) => `dist/browse/page/${name}`),
  ...['bash', 'zsh', 'fish'].map((shell) => `completion/pcam.${shell}`),
];
const OPTIONS = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  legalComments: 'inline',
  logLevel: 'warning',
};

/** One CommonJS script, for a single executable application. */
export async function bundleScript(outfile, entry) {
  const { metafile } = await build({
    ...OPTIONS,
    ...entry,
    outfile,
    metafile: true,
    format: 'cjs',
    // A script with a code cache cannot import: what Node has built in is required instead.
    supported: { 'dynamic-import': false },
    // Where the code lies in a folder it looks beside itself; here it never gets there.
    define: { 'import.meta.url': '""', 'import.meta.resolve': 'undefined' },
  });
  return Object.keys(metafile.inputs);
}

/** Fills a folder with pcam.mjs, worker.mjs, what both share, and every file that they read. */
export async function bundleFolder({ out, entry }) {
  const { metafile } = await build({
    ...OPTIONS,
    entryPoints: {
      pcam: entry,
      ...Object.fromEntries(WORKERS.map((name) => [name.replace(/\.js$/, ''), join(DIST, name)])),
    },
    outdir: out,
    outExtension: { '.js': '.mjs' },
    metafile: true,
    minifySyntax: true,
    minifyWhitespace: true,
    // A command reads only what it needs: half of the start-up of one file.
    splitting: true,
    format: 'esm',
    // CommonJS packages among the dependencies require built-in modules.
    banner: {
      js: "import { createRequire as $require } from 'node:module'; const require = $require(import.meta.url);",
    },
  });
  for (const name of PACKAGE_FILES) {
    await mkdir(dirname(join(out, name)), { recursive: true });
    await writeFile(join(out, name), await readFile(join(ROOT, name)));
  }
  await writeFile(join(out, HDF5_LIBRARY.replace(/js$/, 'cjs')), await hdf5Library());
  await writeFile(join(out, LICENCES), await licences(Object.keys(metafile.inputs)));
}

/** HDF5's module with the WebAssembly in it, as the body of a CommonJS module. */
export async function hdf5Library() {
  let text = await readFile(new URL(HDF5_LIBRARY, import.meta.resolve('h5wasm')), 'utf8');
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

/**
 * The licences of the packages that bundled files are from; their terms ask for them in every copy.
 * @param {readonly string[]} inputs paths of the bundled files
 */
export async function licences(inputs) {
  const packages = inputs.flatMap(
    (path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.slice(0, 1) ?? [],
  );
  // HDF5's library is bundled by hand, OpenSeadragon with the page of `browse`.
  const folders = [...packages, 'node_modules/h5wasm/', 'node_modules/openseadragon/'];
  const texts = [...new Set(folders)].sort().map(async (folder) => {
    const { name, version, license } = JSON.parse(await readFile(join(ROOT, folder, 'package.json'), 'utf8'));
    const file = (await readdir(join(ROOT, folder))).find((one) => /^(licen[sc]e|copying)/i.test(one));
    if (!file) throw new Error(`${name} comes without the text of its licence`);
    return `${name} ${version} (${license})\n\n${(await readFile(join(ROOT, folder, file), 'utf8')).trim()}\n`;
  });
  return (await Promise.all(texts)).join(`\n${'-'.repeat(80)}\n\n`);
}
