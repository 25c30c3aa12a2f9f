#!/usr/bin/env node
/**
 * All benchmarks in one go, on an idle machine: `npm run bench`, or `npm run bench -- --train` for the train size.
 *
 *   --train          262,144 patches (6.5 to 7.25 GB) in place of 32,768; needs room for some 45 GB
 *   --patches N      another number of patches; 262144 without --train uses the names of valid
 *   --only NAME,...  start, download, verify, export, explore, growth, readers
 *   --runs N         runs of each side (default 3)
 *   --work FOLDER    where data and outputs go; data is kept for the next time (default: a folder in the system's
 *                    temporary one)
 *   --write          put the tables into bench/README.md and docs/formats-speed.md, each case in place of what it found
 *                    the last time, so that a whole run can be made in pieces
 *
 * Refuses to report when others use more than 0.3 CPUs; BENCH_ANYWAY=1 tries the scripts on a busy machine.
 * Needs Debian's nginx, aria2, curl, pigz, time, python3-h5py, python3-pil and python3-skimage.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { downloads, growthOfDownload, startUps, verifications } from './cases-download.mjs';
import { explorations, growthOfExplorations } from './cases-explore.mjs';
import { exports, growthOfExport, readers } from './cases-export.mjs';
import { Busy, tableOf } from './compare.mjs';
import { here } from './data.mjs';
import { measure, shell } from './measure.mjs';

const { values } = parseArgs({
  options: {
    train: { type: 'boolean', default: false },
    only: { type: 'string' },
    runs: { type: 'string', default: '3' },
    patches: { type: 'string' },
    work: { type: 'string', default: join(tmpdir(), 'pcam-bench') },
    write: { type: 'boolean', default: false },
  },
});
const patches = Number(values.patches ?? (values.train ? 262_144 : 32_768));
const work = resolve(values.work);
const runs = Number(values.runs);
const setting = { work, split: values.train ? 'train' : 'valid', patches, runs };
const GROWTH = [4096, 32_768, 262_144].filter((size) => size <= patches);
const growth = { ...setting, sizes: GROWTH, runs: 1 };

const CASES = {
  start: startUps,
  download: () => downloads(setting),
  verify: () => verifications(setting),
  export: () => exports(setting),
  explore: () => explorations(setting),
  growth: async () => [
    ...(await growthOfExplorations(growth)),
    ...(await growthOfDownload(growth)),
    ...(await growthOfExport(growth)),
  ],
};
const asked = values.only?.split(',') ?? [...Object.keys(CASES), 'readers'];
const unknown = asked.find((name) => name !== 'readers' && !(name in CASES));
if (unknown !== undefined)
  throw new Error(`there is no case ${unknown}: ${Object.keys(CASES).join(', ')}, readers`);
const size = { 32768: 'valid', 262144: 'train' }[patches];
if (values.write && !size)
  throw new Error('bench/README.md has tables of 32,768 and of 262,144 patches only');

const began = performance.now();
try {
  for (const name of asked) await report(name);
  console.error(`done in ${((performance.now() - began) / 60_000).toFixed(1)} min`);
} catch (error) {
  if (!(error instanceof Busy)) throw error;
  console.error(`nothing more to report: ${error.message}`);
  process.exitCode = 1;
}

/** Each case as soon as it is measured: what comes after it may fail. */
async function report(name) {
  const table = name === 'readers' ? await readers(setting) : tableOf(await CASES[name]());
  const text = `${await machine()}\n\n${table}`;
  process.stdout.write(`${name}: ${text}\n\n`);
  if (!values.write) return;
  if (name === 'readers') put(here('../docs/formats-speed.md'), 'formats', text);
  else put(here('README.md'), `${size} ${name}`, text);
}

async function machine() {
  const { stdout } = await measure(
    shell('git -C "$0" describe --always --dirty 2>/dev/null || echo unknown').concat(here('.')),
  );
  const { model } = cpus()[0];
  const busy = process.env.BENCH_ANYWAY ? ' On a busy machine: worth nothing.' : '';
  return (
    `Measured ${new Date().toISOString().slice(0, 10)} at ${stdout.trim()}, ${runs} runs of each side, in turn: ${cpus().length} x ${model}, ` +
    `Linux ${release()}, Node ${process.version}.${busy}`
  );
}

/** Replaces what stands between the two marks of a name. */
function put(path, name, text) {
  const page = readFileSync(path, 'utf8');
  const [start, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [page.indexOf(start), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${path} has no ${start} ... ${end}`);
  writeFileSync(path, `${page.slice(0, from + start.length)}\n${text}\n${page.slice(to)}`);
}
