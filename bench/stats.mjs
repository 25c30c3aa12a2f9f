/**
 * Measures `pcam stats` against reading the file once, and the export of shuffled patches against that of patches in order.
 *
 * Usage: node bench/stats.mjs [--patches 32768] [--rounds 3] [--keep FOLDER]
 * The best of the rounds counts. The figures of the first run are compared with h5py and NumPy, which read the file too.
 * Needs Debian's python3-h5py, python3-numpy, python3-pil and python3-skimage; 28 kB of disk per patch, and as much again
 * for the exports.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { run } from './processes.mjs';

const { values: options } = parseArgs({
  options: {
    patches: { type: 'string', default: '32768' },
    rounds: { type: 'string', default: '3' },
    keep: { type: 'string' },
  },
});
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const work = options.keep ?? mkdtempSync(join(tmpdir(), 'pcam-bench-'));
const data = join(work, 'data');
const images = join(data, 'camelyonpatch_level_2_split_valid_x.h5');
const python = '/usr/bin/python3';

const H5PY = `
import h5py, json, sys
import numpy as np
n, s, q = 0, np.zeros(3), np.zeros(3)
with h5py.File(sys.argv[1]) as file:
    x = file["x"]
    for at in range(0, len(x), 256):
        p = x[at : at + 256].reshape(-1, 3)
        if len(sys.argv) > 2:
            p = p.astype(np.float64)
            n, s, q = n + len(p), s + p.sum(axis=0), q + (p * p).sum(axis=0)
if n:
    mean = s / n
    print(json.dumps([mean.tolist(), np.sqrt(q / n - mean * mean).tolist()]))
`;

function pcam(command, ...args) {
  const common = ['--manifest', join(data, 'manifest.json'), '--dir', data, '--split', 'valid'];
  return run(process.execPath, [here('../bin/pcam.js'), command, ...common, ...args]);
}

/** @param {() => Promise<{seconds: number, peakMB: number}>} measured @param {() => void} [before] */
async function best(name, measured, before = () => {}) {
  let fastest;
  for (let round = 0; round < Number(options.rounds); round++) {
    before();
    const result = await measured();
    if (!fastest || result.seconds < fastest.seconds) fastest = result;
  }
  const { seconds, peakMB } = fastest;
  console.log(`${name.padEnd(52)} ${seconds.toFixed(2).padStart(7)} s  ${peakMB.toFixed(0).padStart(5)} MiB`);
  return fastest;
}

const forget = (what) => rmSync(join(data, '.pcam', what), { recursive: true, force: true });

async function measureStats() {
  await best('cat', () => run('sh', ['-c', 'cat "$0" > /dev/null', images]));
  await best('h5py, 256 patches at a time', () => run(python, ['-c', H5PY, images]));
  const first = await best(
    'pcam stats, files never verified',
    () => pcam('stats', '--json'),
    () => forget(''),
  );
  await best(
    'pcam stats, files verified before',
    () => pcam('stats', '--json'),
    () => forget('scans'),
  );
  await best('pcam stats, once more', () => pcam('stats', '--json'));
  for (const extension of ['csv', 'parquet']) {
    const table = join(work, `patches.${extension}`);
    await best(`pcam stats --table patches.${extension}, once more`, () =>
      pcam('stats', '--json', '--table', table),
    );
  }
  const [mean, std] = JSON.parse((await run(python, ['-c', H5PY, images, 'moments'])).stdout);
  const { channels } = JSON.parse(first.stdout).splits[0];
  const off = [...mean, ...std].map((value, i) => Math.abs(value - [...channels.mean, ...channels.std][i]));
  if (Math.max(...off) > 1e-6) throw new Error(`NumPy disagrees by ${Math.max(...off)}`);
  console.log('NumPy finds the same means and standard deviations');
}

async function measureOrder() {
  const out = join(work, 'out');
  const anew = () => rmSync(out, { recursive: true, force: true });
  for (const args of [['raw'], ['raw', '--shuffle'], ['png'], ['png', '--shuffle'], ['png', '--sha1']]) {
    await best(
      `pcam export --format ${args.join(' ')}`,
      () => pcam('export', '--format', ...args, '--out', out),
      anew,
    );
  }
}

try {
  console.log(`${cpus().length} x ${cpus()[0].model}, Node ${process.version}, ${options.patches} patches`);
  mkdirSync(work, { recursive: true });
  const counts = ['--train', '0', '--valid', options.patches, '--test', '0'];
  execFileSync(python, [here('make_tissue.py'), data, ...counts, '--plain'], { stdio: 'inherit' });
  await measureStats();
  await measureOrder();
} finally {
  if (!options.keep) rmSync(work, { recursive: true, force: true });
}
