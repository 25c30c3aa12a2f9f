/**
 * Compares `pcam export` with the script that everyone writes, h5py and PIL in one process, on the same tissue.
 *
 * Usage: node bench/export.mjs [--patches 32768] [--rounds 2] [--workers 2] [--keep FOLDER]
 * Each round runs both, one after the other; the best of each counts. The outputs are compared pixel by pixel.
 * Needs Debian's python3-h5py, python3-numpy, python3-pil and python3-skimage, and 4 GB of disk.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    patches: { type: 'string', default: '32768' },
    rounds: { type: 'string', default: '2' },
    workers: { type: 'string', default: '2' },
    keep: { type: 'string' },
  },
});
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const pcam = here('../bin/pcam.js');
const work = options.keep ?? mkdtempSync(join(tmpdir(), 'pcam-bench-'));
const data = join(work, 'data');
const stem = join(data, 'camelyonpatch_level_2_split_valid');
const python = '/usr/bin/python3';

function prepare() {
  mkdirSync(work, { recursive: true });
  const counts = ['--train', '0', '--valid', options.patches, '--test', '0'];
  execFileSync(python, [here('make_tissue.py'), data, ...counts, '--plain'], { stdio: 'inherit' });
}

/** Seconds by the clock and of the processor, and the most memory that was resident, all threads together. */
async function measure(command, args) {
  const started = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  let peak = 0;
  let cpu = 0;
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const watch = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      // User and system time, fields 14 and 15 (proc(5)), in hundredths of a second.
      const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      cpu = (Number(fields[11]) + Number(fields[12])) / 100 || cpu;
      peak = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? peak);
    } catch {
      // It has just ended.
    }
  }, 20);
  const code = await new Promise((resolve) => child.once('close', resolve));
  clearInterval(watch);
  if (code !== 0) throw new Error(`${command} ${args[0]} ended with ${code}`);
  return { seconds: (performance.now() - started) / 1000, cpu, megabytes: peak / 1000, output };
}

function exportWith(...args) {
  const common = ['--manifest', join(data, 'manifest.json'), '--dir', data, '--workers', options.workers];
  return measure(process.execPath, [pcam, 'export', ...common, '--split', 'valid', '--json', ...args]);
}

function diskUse(folder) {
  return Number(execFileSync('du', ['-s', '--block-size=1', folder], { encoding: 'utf8' }).split('\t')[0]);
}

function report(name, { seconds, cpu, megabytes }, note = '') {
  const rate = Number(options.patches) / seconds;
  const memory = megabytes > 0 ? `${megabytes.toFixed(0)} MB` : '';
  console.log(
    `${name.padEnd(38)} ${seconds.toFixed(2).padStart(7)} s  ${cpu.toFixed(2).padStart(6)} s CPU  ${rate.toFixed(0).padStart(6)} patches/s  ${memory}  ${note}`,
  );
}

async function compareWithScript() {
  const [theirs, ours] = [join(work, 'script'), join(work, 'shards')];
  let script;
  let first;
  let best;
  for (let round = 0; round < Number(options.rounds); round++) {
    rmSync(theirs, { recursive: true, force: true });
    const baseline = await measure(python, [
      here('export_baseline.py'),
      `${stem}_x.h5`,
      `${stem}_y.h5`,
      theirs,
    ]);
    if (!script || baseline.seconds < script.seconds) script = baseline;
    for (let run = 0; run < 2; run++) {
      rmSync(ours, { recursive: true, force: true });
      const shards = await exportWith('--format', 'png', '--out', ours);
      first ??= shards;
      if (first !== shards && (!best || shards.seconds < best.seconds)) best = shards;
    }
  }
  report('h5py + PIL, one process', script);
  report('pcam export --format png, first run', first, 'reads the input once more to verify it');
  report('pcam export --format png', best, `${(script.seconds / best.seconds).toFixed(1)} times as fast`);
  const compared = execFileSync(
    python,
    [here('export_compare.py'), `${stem}_x.h5`, `${stem}_y.h5`, theirs, ours],
    {
      encoding: 'utf8',
    },
  );
  const [patches, ourBytes] = compared.split(' ').map(Number);
  const theirBytes = Number(script.output.split(' ')[1]);
  console.log(`${patches} patches are the same, pixel by pixel, in both and in the HDF5`);
  console.log(`PNG bytes: ${ourBytes} to ${theirBytes}, ${(ourBytes / theirBytes).toFixed(4)} times`);
  const [ourDisk, theirDisk] = [ours, theirs].map(diskUse);
  console.log(`on the disk: ${ourDisk} to ${theirDisk}, ${(ourDisk / theirDisk).toFixed(4)} times`);
  rmSync(theirs, { recursive: true, force: true });
}

async function measureOthers() {
  for (const args of [['raw'], ['parquet'], ['png', '--layout', 'folder'], ['png', '--crop', 'center32']]) {
    const out = join(work, 'other');
    rmSync(out, { recursive: true, force: true });
    report(`pcam export --format ${args.join(' ')}`, await exportWith('--format', ...args, '--out', out));
  }
  report(
    'the same again, all shards present',
    await exportWith('--format', 'png', '--out', join(work, 'shards')),
  );
}

try {
  console.log(`${cpus().length} x ${cpus()[0].model}, Node ${process.version}, ${options.workers} workers`);
  prepare();
  await compareWithScript();
  await measureOthers();
} finally {
  if (!options.keep) rmSync(work, { recursive: true, force: true });
}
