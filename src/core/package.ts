/**
 * The files of the package: its package.json, its assets, the code of its workers. The one place that knows whether they
 * are in a folder, as npm puts them, in the bundle of the Python wheel, or inside an executable.
 */
import { readFileSync } from 'node:fs';
import { getAsset, isSea } from 'node:sea';
import { fileURLToPath } from 'node:url';

/** What `new Worker` takes: a script, or its text with `eval`. */
export interface WorkerCode {
  code: string | URL;
  eval: boolean;
}

/** How the files of the package are read in one of these three forms. */
interface Home {
  /** Path of a file, or where it has none, a name for messages. */
  path(name: string): string;
  text(name: string): string;
  worker(script: string): WorkerCode;
  /** A module beside the entry of another package. */
  module(entry: string, file: string): Promise<unknown>;
}

const folder: Home = {
  path: (name) => fileURLToPath(new URL(`../../${name}`, import.meta.url)),
  text: (name) => readFileSync(folder.path(name), 'utf8'),
  worker: (script) => ({ code: new URL(`../${script}`, import.meta.url), eval: false }),
  module: (entry, file) => import(new URL(file, import.meta.resolve(entry)).href),
};

const executable: Home = {
  path: (name) => `${process.execPath}:${name}`,
  text: (name) => getAsset(name, 'utf8'),
  worker: (script) => ({ code: getAsset(script, 'utf8'), eval: true }),
  async module(_entry, file) {
    // A CommonJS module that requires nothing.
    const module = { exports: {} };
    new Function('module', getAsset(file, 'utf8'))(module);
    return module.exports;
  },
};

/** The bundle of the Python wheel: everything beside this file, which is a part of the bundle. */
const bundle: Home = {
  path: (name) => fileURLToPath(new URL(name, import.meta.url)),
  text: (name) => readFileSync(bundle.path(name), 'utf8'),
  worker: (script) => ({ code: new URL(script.replace(/js$/, 'mjs'), import.meta.url), eval: false }),
  async module(_entry, file) {
    const { createRequire } = await import('node:module');
    return createRequire(import.meta.url)(`./${file.replace(/js$/, 'cjs')}`);
  },
};

const home = isSea() ? executable : import.meta.url.endsWith('.mjs') ? bundle : folder;

const facts = JSON.parse(home.text('package.json')) as { version: string; homepage?: string };

export const VERSION = facts.version;
/** pcam's own page, where it has one. */
export const HOMEPAGE = facts.homepage;

/** Zenodo answers the default agents of HTTP clients with 403; a name and a page of its own are welcome. */
export const USER_AGENT = HOMEPAGE === undefined ? `pcam/${VERSION}` : `pcam/${VERSION} (+${HOMEPAGE})`;

/** Path of a file that ships with the package, such as `manifest.json`; in the executable, only a name for it. */
export function assetPath(name: string): string {
  return home.path(name);
}

/** Text of a file that ships with the package. */
export function assetText(name: string): string {
  return home.text(name);
}

/**
 * The code of a worker thread, see threads/.
 * @param script its path below the root of the code, such as `pass/worker.js`
 */
export function workerCode(script: string): WorkerCode {
  return home.worker(script);
}

/** Loads the module `file` that lies beside the entry of another package, `entry`. */
export function importBeside(entry: string, file: string): Promise<unknown> {
  return home.module(entry, file);
}
