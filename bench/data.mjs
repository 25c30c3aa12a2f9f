/** The data of the benchmarks: real tissue in PCam's format, made once and kept in the work folder. */
import { existsSync, linkSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { measure } from './measure.mjs';

export const PYTHON = '/usr/bin/python3';
export const PCAM = [process.execPath, fileURLToPath(new URL('../bin/pcam.js', import.meta.url))];
export const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Names of the upstream files of a split. */
export function stem(split) {
  return `camelyonpatch_level_2_split_${split}`;
}

/**
 * Archives, decompressed files and manifest of one split of so many patches.
 * @returns {Promise<string>} the folder
 */
export async function tissue({ work, split, patches }) {
  const folder = join(work, `tissue-${split}-${patches}`);
  if (existsSync(join(folder, 'manifest.json'))) return folder;
  mkdirSync(work, { recursive: true });
  console.error(`making ${patches} patches of real tissue in ${folder}`);
  const sizes = { train: '0', valid: '0', test: '0', [split]: String(patches) };
  const counts = Object.entries(sizes).flatMap(([name, n]) => [`--${name}`, n]);
  await measure([PYTHON, here('make_tissue.py'), folder, ...counts, '--keep-h5']);
  return folder;
}

/**
 * The same without archives, for what reads decompressed files: deflating train takes most of an hour.
 * @returns {Promise<string>} the folder
 */
export async function plainTissue({ work, split, patches }) {
  const whole = join(work, `tissue-${split}-${patches}`);
  if (existsSync(join(whole, 'manifest.json'))) return whole;
  const folder = join(work, `plain-${split}-${patches}`);
  if (existsSync(join(folder, 'manifest.json'))) return folder;
  mkdirSync(work, { recursive: true });
  console.error(`making ${patches} decompressed patches in ${folder}`);
  const sizes = { train: '0', valid: '0', test: '0', [split]: String(patches) };
  const counts = Object.entries(sizes).flatMap(([name, n]) => [`--${name}`, n]);
  await measure([PYTHON, here('make_tissue.py'), folder, ...counts, '--plain']);
  return folder;
}

/** Nine files, decompressed, of which train is the largest; the manifest has their MD5, as PCam's has. */
export async function nineFiles({ work, patches }) {
  const folder = join(work, `nine-${patches}`);
  const manifest = join(folder, 'manifest.json');
  if (existsSync(manifest)) return folder;
  console.error(`making nine files in ${folder}`);
  const counts = ['--train', String(2 * patches), '--valid', String(patches), '--test', String(patches)];
  await measure([PYTHON, here('make_tissue.py'), folder, ...counts, '--plain']);
  const json = JSON.parse(readFileSync(manifest, 'utf8'));
  for (const file of json.files) delete file.sha256;
  writeFileSync(manifest, JSON.stringify(json));
  return folder;
}

/** A manifest for the data that a server has. @returns {string} its path */
export function servedManifest({ folder, url, work }) {
  const json = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
  json.sources = { nginx: { type: 'http', baseUrl: url } };
  const path = join(work, 'manifest.json');
  writeFileSync(path, JSON.stringify(json));
  return path;
}

/** A data set folder with the decompressed files of a split and receipts for them: links, so it costs no room. */
export async function dataFolder({ folder, work, split }) {
  const dir = join(work, `${folder.split('/').at(-1)}-dir`);
  if (!existsSync(dir)) {
    mkdirSync(dir, { recursive: true });
    for (const name of [`${stem(split)}_x.h5`, `${stem(split)}_y.h5`, `${stem(split)}_meta.csv`]) {
      linkSync(join(folder, name), join(dir, name));
    }
  }
  await measure([...PCAM, 'verify', '--manifest', join(folder, 'manifest.json'), '--dir', dir]);
  return dir;
}
