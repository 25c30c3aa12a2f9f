/** `pcam report` and `pcam stats` against reading the images once, which they cannot do without; and orders of export. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { compare } from './compare.mjs';
import { dataFolder, here, PCAM, PYTHON, stem, tissue } from './data.mjs';
import { measure, shell } from './measure.mjs';

const LARGEST_PAGE = 5_000_000;
const SECTIONS = 8;
const TOLERANCE = 1e-6;

export async function explorations({ work, split, patches, runs }) {
  const folder = await tissue({ work, split, patches });
  const dir = await dataFolder({ folder, work, split });
  const common = ['--manifest', join(folder, 'manifest.json'), '--dir', dir, '--split', split];
  const pcam = (command, ...args) => [...PCAM, command, ...common, '--json', ...args];
  const x = join(dir, `${stem(split)}_x.h5`);
  const before = () => rmSync(join(dir, '.pcam', 'scans'), { recursive: true, force: true });
  return [
    await compareReport({ runs, work, patches, before, x, pcam }),
    await compareStats({ runs, patches, before, x, pcam }),
    ...(await compareOrders({ runs, work, pcam })),
  ];
}

function compareReport({ runs, work, patches, before, x, pcam }) {
  const page = join(work, 'report.html');
  let earlier;
  return compare({
    runs,
    before,
    work: `report of ${patches} patches`,
    against: 'cat of the images',
    ours: pcam('report', '-o', page),
    theirs: shell(`cat '${x}' > /dev/null`),
    check() {
      const text = readFileSync(page, 'utf8');
      if (Buffer.byteLength(text) > LARGEST_PAGE) throw new Error(`a page of ${text.length} characters`);
      if (text.match(/<section id=/g)?.length !== SECTIONS)
        throw new Error('a page without all its sections');
      if (earlier !== undefined && earlier !== text) throw new Error('the second page differs');
      earlier = text;
    },
  });
}

function compareStats({ runs, patches, before, x, pcam }) {
  const moments = [PYTHON, here('moments.py'), x];
  return compare({
    runs,
    before,
    work: `stats of ${patches} patches: SHA-1, histograms, repeats`,
    against: 'h5py + NumPy: mean and standard deviation alone',
    ours: pcam('stats'),
    theirs: moments,
    async check() {
      const [mean, std] = JSON.parse((await measure(moments)).stdout);
      const { channels } = JSON.parse((await measure(pcam('stats'))).stdout).splits[0];
      const ours = [...channels.mean, ...channels.std];
      const off = [...mean, ...std].map((value, i) => Math.abs(value - ours[i]));
      if (!(Math.max(...off) <= TOLERANCE)) throw new Error(`NumPy disagrees by ${Math.max(...off)}`);
    },
  });
}

async function compareOrders({ runs, work, pcam }) {
  const exported = join(work, 'exports');
  const out = (name) => ['--out', join(exported, name), '--workers', '2'];
  const rows = [];
  for (const [format, option] of [
    ['raw', '--shuffle'],
    ['png', '--shuffle'],
    ['png', '--sha1'],
  ]) {
    rows.push(
      await compare({
        runs,
        before: () => rmSync(exported, { recursive: true, force: true }),
        work: `export --format ${format} ${option}`,
        against: `the same without ${option}`,
        ours: pcam('export', '--format', format, option, ...out('with')),
        theirs: pcam('export', '--format', format, ...out('without')),
        mostMB: 350,
      }),
    );
  }
  rmSync(exported, { recursive: true, force: true });
  return rows;
}
