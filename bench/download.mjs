#!/usr/bin/env node
/**
 * The main job against what people type today, both in one run, against one nginx: `pcam download` of the image
 * archive of a split, and `aria2c -x16 -s16`, `md5sum`, `gunzip`. The two take turns; the outputs are compared.
 *
 *   node bench/download.mjs [--split valid] [--patches 32768] [--runs 3] [--work FOLDER]
 *
 * Needs Debian's nginx, aria2, python3-h5py and python3-skimage. --patches 262144 --split train is the real train
 * size: 6.4 GB to fetch, 7.2 GB decompressed, and room for some 30 GB.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startNginx } from './nginx.mjs';
import { median, run } from './processes.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const pcam = join(here, '..', 'bin', 'pcam.js');
const { values } = parseArgs({
  options: {
    split: { type: 'string', default: 'valid' },
    patches: { type: 'string', default: '32768' },
    runs: { type: 'string', default: '3' },
    work: { type: 'string', default: join(tmpdir(), 'pcam-bench') },
  },
});
const { split } = values;
const work = resolve(values.work);
const data = join(work, `tissue-${split}-${values.patches}`);
const archive = `camelyonpatch_level_2_split_${split}_x.h5.gz`;

await makeData();
const server = await startNginx({ folder: data, state: join(work, 'nginx') });
try {
  await measure();
} finally {
  await server.stop();
}

async function makeData() {
  if (existsSync(join(data, 'manifest.json'))) return;
  mkdirSync(work, { recursive: true });
  const sizes = { train: '64', valid: '64', test: '64', [split]: values.patches };
  const args = Object.entries(sizes).flatMap(([name, n]) => [`--${name}`, n]);
  console.log(`making ${values.patches} patches of real tissue in ${data}`);
  await run('/usr/bin/python3', [join(here, 'make_tissue.py'), data, ...args]);
}

async function measure() {
  const manifest = join(work, 'manifest.json');
  const json = JSON.parse(readFileSync(join(data, 'manifest.json'), 'utf8'));
  json.sources = { nginx: { type: 'http', baseUrl: server.url } };
  writeFileSync(manifest, JSON.stringify(json));
  const file = json.files.find((entry) => entry.name === archive);
  console.log(`${archive}: ${mega(file.bytes)} MB, ${mega(file.extracted.bytes)} MB decompressed`);
  const ours = [];
  const theirs = [];
  for (let i = 0; i < Number(values.runs); i++) {
    ours.push(await runPcam(manifest));
    theirs.push(await runAria2());
    await run('cmp', [join(work, 'ours', file.extracted.name), join(work, 'theirs', file.extracted.name)]);
    const [a, b] = [ours.at(-1), theirs.at(-1)];
    console.log(
      `run ${i + 1}: pcam ${a.seconds.toFixed(2)} s, peak ${a.peakMB.toFixed(0)} MB, in place ${a.after.toFixed(2)} s ` +
        `after the last byte; aria2c + md5sum + gunzip ${b.map((s) => s.toFixed(2)).join(' + ')} = ` +
        `${sum(b).toFixed(2)} s; same bytes`,
    );
    rmSync(join(work, 'ours'), { recursive: true });
    rmSync(join(work, 'theirs'), { recursive: true });
  }
  const ratio = median(ours.map((o, i) => o.seconds / sum(theirs[i])));
  const peak = Math.max(...ours.map((o) => o.peakMB));
  console.log(
    `median of the ratios pcam / (aria2c + md5sum + gunzip): ${ratio.toFixed(2)}; peak memory ${peak.toFixed(0)} MB`,
  );
}

async function runPcam(manifest) {
  const args = [
    pcam,
    'download',
    '--manifest',
    manifest,
    '--dir',
    join(work, 'ours'),
    '--split',
    split,
    '--kind',
    'x',
  ];
  const result = await run(process.execPath, [...args, '--quiet']);
  return { ...result, after: result.ended - server.lastByte() };
}

/** Digest and gunzip can only begin when the download is over: that is what people do. */
async function runAria2() {
  const folder = join(work, 'theirs');
  const path = join(folder, archive);
  const steps = [
    ['aria2c', ['-q', '-x16', '-s16', '-d', folder, `${server.url}/${archive}`]],
    ['md5sum', [path]],
    ['gunzip', [path]],
  ];
  const seconds = [];
  for (const [command, args] of steps) seconds.push((await run(command, args)).seconds);
  return seconds;
}

function sum(numbers) {
  return numbers.reduce((a, b) => a + b, 0);
}

function mega(bytes) {
  return (bytes / 1e6).toFixed(0);
}
