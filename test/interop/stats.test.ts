/** Statistics and selections as NumPy, hashlib and DuckDB see them. */
import { createHash } from 'node:crypto';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PcamEvent } from '#pcam/core/events.js';
import { stats } from '#pcam/explore/stats/stats.js';
import { exportDataset } from '#pcam/export/export.js';
import { finalName } from '#pcam/manifest/types.js';
import { selectPatches } from '#pcam/selection/select.js';
import { makeDataset, type TestDataset } from '../support/dataset.js';
import { requireDuckDB } from '../support/duckdb.js';
import { sharedFolder } from '../support/temp.js';
import { requireTool, runTool } from '../support/tools.js';
import { treeOf } from '../support/tree.js';

const pil = await requireTool('pil');
const duckdb = await requireDuckDB();
const COUNTS = { train: 130, valid: 70, test: 64 };
const script = (name: string) => join(import.meta.dirname, name);

let root: { folder: string; remove: () => Promise<void> };
let data: TestDataset;
beforeAll(async () => {
  root = await sharedFolder();
  data = await makeDataset({ ...COUNTS, root: root.folder });
});
afterAll(() => root.remove());

describe.skipIf(!pil)('NumPy and hashlib', () => {
  it('find the same statistics, and the same rows in the table', async () => {
    const table = join(root.folder, 'patches.csv');
    const result = await stats({ ...data, table });
    expect(result.splits[0]!.duplicates.extra).toBeGreaterThan(0);
    expect(result.shared[0]!.patches).toBeGreaterThan(0);
    const json = join(root.folder, 'stats.json');
    await writeFile(json, JSON.stringify(result));
    expect(JSON.parse(await runTool(pil!, [script('check_stats.py'), data.dir, json, table]))).toEqual(
      COUNTS,
    );
  });

  it('find every selected patch under its own index', async () => {
    const selection = { unique: true, perClass: 20, shuffle: true, seed: 11 };
    const splits = ['train', 'valid'] as const;
    const out = join(root.folder, 'selected');
    const common = { ...data, splits, selection, shardSize: 16, workers: 1 };
    await exportDataset({ ...common, format: 'png', sha1: true, out: join(out, 'png') });
    await exportDataset({ ...common, format: 'png', layout: 'folder', sha1: true, out: join(out, 'folder') });
    await exportDataset({ ...common, format: 'raw', out: join(out, 'raw') });
    const orders = JSON.parse(await runTool(pil!, [script('check_selection.py'), data.dir, out, ...splits]));
    const selected = await selectPatches({ ...data, splits, selection });
    expect(orders).toEqual(Object.fromEntries(selected.map(({ split, indices }) => [split, [...indices]])));
  });
});

/** Rewrites the images of valid in chunks that many patches share. */
const REWRITE = `
import h5py, sys
with h5py.File(sys.argv[1], "r+") as file:
    x = file["x"][:]
    del file["x"]
    file.create_dataset("x", data=x, chunks=(16, 96, 96, 3), compression="gzip", compression_opts=1)
`;

describe.skipIf(!pil)('h5py with chunks', () => {
  it('makes no difference to a shuffled export, whatever is there already', async () => {
    const chunked = await makeDataset({ ...COUNTS, root: root.folder, name: 'chunked' });
    await runTool(pil!, ['-c', REWRITE, chunked.path('valid', 'images')]);
    // The digest is another one, and the patches are the same.
    const md5 = createHash('md5')
      .update(await readFile(chunked.path('valid', 'images')))
      .digest('hex');
    const manifest = {
      ...chunked.manifest,
      files: chunked.manifest.files.map((file) =>
        file.split === 'valid' && file.kind === 'images'
          ? { ...file, extracted: { name: finalName(file), md5 } }
          : file,
      ),
    };
    const shardsOf = async (folder: string) => {
      const { 'index.json': _, ...shards } = await treeOf(folder);
      return shards;
    };
    const selection = { shuffle: true, seed: 2 };
    for (const kind of [
      { format: 'raw' },
      { format: 'png', layout: 'folder', crop: 'center32', sha1: true },
    ] as const) {
      const name = `order-${kind.format}`;
      const common = {
        ...kind,
        selection,
        shardSize: 16,
        workers: 1,
        splits: ['valid' as const],
      };
      const plain = join(root.folder, `${name}-plain`);
      await exportDataset({ ...common, dir: data.dir, manifest: data.manifest, out: plain });
      const tree = await shardsOf(plain);
      const steps: string[] = [];
      const onEvent = (event: PcamEvent) => event.type === 'begin' && steps.push(event.task);
      const out = join(root.folder, name);
      const request = { ...common, dir: chunked.dir, manifest, out, onEvent };
      await exportDataset({ ...request, part: { index: 2, of: 2 } });
      await exportDataset(request);
      expect(await shardsOf(out)).toEqual(tree);
      expect(steps.filter((step) => step === 'valid in order')).toHaveLength(2);
      const [first] = (await exportDataset(request)).shards;
      await truncate(join(out, first!.file), 20);
      await exportDataset(request);
      expect(await shardsOf(out)).toEqual(tree);
    }
  });
});

describe.skipIf(!duckdb)('DuckDB', () => {
  it.each(['csv', 'parquet'])('counts the same in the table as %s', async (extension) => {
    const table = join(root.folder, `table.${extension}`);
    const { splits } = await stats({ ...data, table });
    const instance = await duckdb!.DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    try {
      const query = `select split, count(*)::int as patches, sum(label)::int as positive, count(distinct sha1)::int as "unique",
        max(copies)::int as largest, sum((first <> index)::int)::int as extra, count(distinct wsi)::int as slides,
        sum((center_tumor_patch <> (label = 1))::int)::int as wrong
        from patches group by split order by min(rowid)`;
      const source = extension === 'csv' ? `read_csv('${table}')` : `read_parquet('${table}')`;
      await connection.run(`create table patches as select * from ${source}`);
      const rows = await connection.runAndReadAll(query);
      expect(rows.getRowObjects()).toEqual(
        splits.map(({ split, patches, positive, unique, slides, duplicates: { largest, extra } }) => ({
          ...{ split, patches, positive, unique, largest, extra, slides, wrong: 0 },
        })),
      );
      const types = await connection.runAndReadAll('describe patches');
      expect(
        types.getRowObjects().map(({ column_name, column_type }) => `${column_name} ${column_type}`),
      ).toEqual([
        ...['split VARCHAR', 'index BIGINT', 'label BIGINT', 'sha1 VARCHAR', 'copies BIGINT', 'first BIGINT'],
        ...[
          'coord_x BIGINT',
          'coord_y BIGINT',
          'tumor_patch BOOLEAN',
          'center_tumor_patch BOOLEAN',
          'wsi VARCHAR',
        ],
      ]);
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  });
});
