/**
 * Measures `pcam report` against reading the images once: seconds, peak memory, and the size of the page.
 *
 * Usage: node bench/report.mjs [--patches 32768] [--keep FOLDER]
 * Needs Debian's python3-h5py, python3-numpy, python3-pil and python3-skimage; 28 kB of disk per patch.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { run } from './processes.mjs';

const { values: options } = parseArgs({
  options: { patches: { type: 'string', default: '32768' }, keep: { type: 'string' } },
});
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const work = options.keep ?? mkdtempSync(join(tmpdir(), 'pcam-bench-'));
const data = join(work, 'data');
const page = join(work, 'report.html');
const LARGEST_PAGE = 5_000_000;

function report() {
  const common = ['--manifest', join(data, 'manifest.json'), '--dir', data, '--split', 'valid'];
  return run(process.execPath, [here('../bin/pcam.js'), 'report', ...common, '-o', page, '--json']);
}

async function measure(name, work) {
  const { seconds, peakMB, stdout } = await work();
  console.log(`${name.padEnd(52)} ${seconds.toFixed(2).padStart(7)} s  ${peakMB.toFixed(0).padStart(5)} MiB`);
  return stdout;
}

/** The page is whole and small, and a second one is the same. */
function check(document, earlier) {
  const text = readFileSync(page, 'utf8');
  const { bytes } = JSON.parse(document);
  if (bytes !== Buffer.byteLength(text) || bytes > LARGEST_PAGE) throw new Error(`a page of ${bytes} bytes`);
  if (text.match(/<section id=/g)?.length !== 8) throw new Error('a page without its eight sections');
  if (earlier !== undefined && earlier !== text) throw new Error('the second page differs');
  return text;
}

try {
  console.log(`${cpus().length} x ${cpus()[0].model}, Node ${process.version}, ${options.patches} patches`);
  mkdirSync(work, { recursive: true });
  const counts = ['--train', '0', '--valid', options.patches, '--test', '0'];
  execFileSync('/usr/bin/python3', [here('make_tissue.py'), data, ...counts, '--plain'], {
    stdio: 'inherit',
  });
  const images = join(data, 'camelyonpatch_level_2_split_valid_x.h5');
  await measure('cat', () => run('sh', ['-c', 'cat "$0" > /dev/null', images]));
  rmSync(join(data, '.pcam'), { recursive: true, force: true });
  const first = check(await measure('pcam report, files never verified', report));
  rmSync(join(data, '.pcam', 'scans'), { recursive: true, force: true });
  check(await measure('pcam report, files verified before', report), first);
  check(await measure('pcam report, once more', report), first);
  console.log(`the page has ${(first.length / 1e6).toFixed(2)} MB`);
} finally {
  if (!options.keep) rmSync(work, { recursive: true, force: true });
}
