/** `pcam report` and `pcam stats` against reading the images once, which they cannot do without; and orders of export. */
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { alone, compare } from './compare.mjs';
import { dataFolder, here, PCAM, PYTHON, plainTissue, stem } from './data.mjs';
import { measure, shell } from './measure.mjs';

const LARGEST_PAGE = 5_000_000;
const SECTIONS = 8;
const TOLERANCE = 1e-6;

const MOST_MB = 300;

export async function explorations({ work, split, patches, runs }) {
  const setting = await setUp({ work, split, patches });
  return [
    ...(await compareReport({ runs, work, patches, ...setting })),
    ...(await compareStats({ runs, patches, ...setting })),
    ...(await compareOrders({ runs, work, ...setting })),
  ];
}

async function setUp({ work, split, patches }) {
  const folder = await plainTissue({ work, split, patches });
  const dir = await dataFolder({ folder, work, split });
  const common = ['--manifest', join(folder, 'manifest.json'), '--dir', dir, '--split', split];
  return {
    x: join(dir, `${stem(split)}_x.h5`),
    pcam: (command, ...args) => [...PCAM, command, ...common, '--json', ...args],
    /** What an earlier run has found out would be used again. */
    before: () => rmSync(join(dir, '.pcam', 'scans'), { recursive: true, force: true }),
  };
}

/** Time and memory by size, and how large the page is. */
export async function growthOfExplorations({ work, split, sizes, runs }) {
  const rows = [];
  for (const patches of sizes) {
    const { before, pcam } = await setUp({ work, split, patches });
    const page = join(work, 'report.html');
    const common = { runs, before, mostMB: MOST_MB };
    rows.push(await alone({ ...common, work: `stats, ${patches} patches`, ours: pcam('stats') }));
    const row = await alone({
      ...common,
      work: `report, ${patches} patches`,
      ours: pcam('report', '-o', page),
    });
    rows.push({ ...row, against: `a page of ${(statSync(page).size / 1e6).toFixed(2)} MB` });
  }
  return rows;
}

async function compareReport({ runs, work, patches, before, x, pcam }) {
  const page = join(work, 'report.html');
  let earlier;
  const check = () => {
    const text = readFileSync(page, 'utf8');
    if (Buffer.byteLength(text) > LARGEST_PAGE) throw new Error(`a page of ${text.length} characters`);
    if (text.match(/<section id=/g)?.length !== SECTIONS) throw new Error('a page without all its sections');
    if (earlier !== undefined && earlier !== text) throw new Error('the second page differs');
    earlier = text;
  };
  const ours = pcam('report', '-o', page);
  const common = { runs, before, check, ours, mostMB: MOST_MB };
  return [
    await compare({
      ...common,
      work: `report of ${patches} patches`,
      against: 'sha1sum of the images',
      theirs: ['sha1sum', x],
    }),
    await compare({
      ...common,
      work: 'the same',
      against: 'cat of the images',
      theirs: shell(`cat '${x}' > /dev/null`),
    }),
  ];
}

async function compareStats({ runs, patches, before, x, pcam }) {
  const moments = [PYTHON, here('moments.py'), x];
  const ours = pcam('stats');
  const common = { runs, before, ours, mostMB: MOST_MB };
  return [
    await compare({
      ...common,
      work: `stats of ${patches} patches: SHA-1, histograms, repeats`,
      against: 'h5py + NumPy: mean and standard deviation alone',
      theirs: moments,
      async check(run) {
        if (run > 0) return;
        const [mean, std] = JSON.parse((await measure(moments)).stdout);
        const { channels } = JSON.parse((await measure(ours)).stdout).splits[0];
        const figures = [...channels.mean, ...channels.std];
        const off = [...mean, ...std].map((value, i) => Math.abs(value - figures[i]));
        if (!(Math.max(...off) <= TOLERANCE)) throw new Error(`NumPy disagrees by ${Math.max(...off)}`);
      },
    }),
    await compare({ ...common, work: 'the same', against: 'sha1sum of the images', theirs: ['sha1sum', x] }),
  ];
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
