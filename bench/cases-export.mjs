/** Exporting, against the scripts that people write. */
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { alone, compare } from './compare.mjs';
import { dataFolder, here, PCAM, PYTHON, stem, tissue } from './data.mjs';
import { measure, shell } from './measure.mjs';

const MOST_MB = 350;

export async function exports({ work, split, patches, runs }) {
  const setting = await setUp({ work, split, patches });
  const { x, y, pcam, out } = setting;
  const [shards, folder, tars] = [out('shards'), out('pil'), out('pil-tar')];
  const png = pcam('--format', 'png', '--out', shards, '--workers', '2');
  const common = { runs, before: setting.clear, mostMB: MOST_MB };
  const rows = [];
  const oneProcess = [PYTHON, here('export_baseline.py'), x, y, folder];
  rows.push(
    await compare({
      ...common,
      work: `PNG shards, two workers, ${patches} patches`,
      against: 'h5py + PIL to a folder, one process',
      unit: 'times',
      aim: 12,
      ours: png,
      theirs: oneProcess,
      check: (run) => setting.samePixels(run, folder, shards),
    }),
  );
  rows.push(
    await compare({
      ...common,
      work: 'the same',
      against: 'h5py + PIL to tar, pool of two',
      unit: 'times',
      aim: 6,
      ours: png,
      theirs: [PYTHON, here('export_pool.py'), x, y, tars],
      check: (run) => setting.sameTars(run, tars, shards),
    }),
  );
  rows.push(
    await compare({
      ...common,
      work: 'the same',
      against: 'itself with one worker',
      unit: 'times',
      ours: png,
      theirs: pcam('--format', 'png', '--out', out('one'), '--workers', '1'),
      check: () => measure(['diff', '-rq', shards, out('one')]),
    }),
  );
  const alongside = (name) =>
    pcam('--format', 'png', '--out', out(name), '--workers', '1')
      .map((arg) => `'${arg}'`)
      .join(' ');
  rows.push(
    await compare({
      ...common,
      work: 'two exports side by side, one worker each',
      against: 'one of them: 1 where the second core is a whole one',
      ours: shell(`${alongside('left')} >&2 & ${alongside('right')} >&2; wait $!`),
      theirs: pcam('--format', 'png', '--out', out('one'), '--workers', '1'),
    }),
  );
  const npy = out('np');
  rows.push(
    await compare({
      ...common,
      work: 'raw, two workers',
      against: 'h5py + np.save, one file',
      aim: 0.3,
      ours: pcam('--format', 'raw', '--layout', 'folder', '--out', out('raw'), '--workers', '2'),
      theirs: [PYTHON, here('raw_baseline.py'), x, y, npy],
      check: () => measure(['cmp', join(npy, 'x.npy'), join(out('raw'), `${split}-x.npy`)]),
    }),
  );
  rows.push(
    await compare({
      ...common,
      work: 'parquet, two workers',
      against: 'its own PNG shards',
      aim: 1.1,
      ours: pcam('--format', 'parquet', '--out', out('parquet'), '--workers', '2'),
      theirs: png,
      check: () => measure([process.execPath, here('parquet.mjs'), 'compare', out('parquet'), shards]),
    }),
  );
  setting.clear();
  return rows;
}

/** Time and memory of an export by size. */
export async function growthOfExport({ work, split, sizes, runs }) {
  const rows = [];
  for (const patches of sizes) {
    const { pcam, out, clear } = await setUp({ work, split, patches });
    const ours = pcam('--format', 'png', '--out', out('shards'), '--workers', '2');
    rows.push(
      await alone({ runs, before: clear, mostMB: MOST_MB, work: `PNG shards, ${patches} patches`, ours }),
    );
    clear();
  }
  return rows;
}

/** An export in each format, and what readers make of it: the table of docs/formats-speed.md. */
export async function readers({ work, split, patches }) {
  const { x, y, pcam, out, clear } = await setUp({ work, split, patches });
  clear();
  for (const args of [['png'], ['png', '--layout', 'folder'], ['raw', '--layout', 'folder'], ['parquet']]) {
    await measure(
      pcam('--format', ...args, '--out', out(args.length > 2 ? `${args[0]}-${args[2]}` : args[0])),
    );
  }
  const parquet = await measure([process.execPath, here('parquet.mjs'), 'speed', out('parquet')]);
  const { stdout } = await measure([PYTHON, here('readers.py'), x, y, out(''), parquet.stdout]);
  clear();
  return stdout.trim();
}

let firstBytes;

async function sameAgain(run, folder) {
  const { stdout } = await measure(shell(`cat '${folder}'/*.tar | sha256sum`));
  if (run === 0) firstBytes = stdout;
  if (stdout !== firstBytes) throw new Error('two exports of the same data differ');
}

async function setUp({ work, split, patches }) {
  const folder = await tissue({ work, split, patches });
  const dir = await dataFolder({ folder, work, split });
  const exported = join(work, 'exports');
  const [x, y] = ['x', 'y'].map((array) => join(dir, `${stem(split)}_${array}.h5`));
  const manifest = join(folder, 'manifest.json');
  return {
    x,
    y,
    out: (name) => join(exported, name),
    pcam: (...args) => [
      ...PCAM,
      'export',
      '--manifest',
      manifest,
      '--dir',
      dir,
      '--split',
      split,
      '--json',
      ...args,
    ],
    /** An output that both sides of a run have been made from is gone before the next one. */
    clear() {
      if (!existsSync(exported)) return;
      const old = join(work, 'exports-old');
      // An earlier benchmark may have been stopped between the two.
      rmSync(old, { recursive: true, force: true });
      renameSync(exported, old);
      rmSync(old, { recursive: true });
    },
    /** Decoding all takes longer than either side: later runs must have the bytes of the first. */
    async samePixels(run, theirs, ours) {
      await sameAgain(run, ours);
      if (run === 0) await measure([PYTHON, here('export_compare.py'), x, y, theirs, ours]);
    },
    async sameTars(run, theirs, ours) {
      await sameAgain(run, ours);
      const names = (at) => readdirSync(at).filter((name) => name.endsWith('.tar'));
      if (names(theirs).length !== names(ours).length)
        throw new Error('the two have different numbers of shards');
      if (run === 0) await measure([PYTHON, here('export_compare.py'), x, y, '-', theirs]);
    },
  };
}
