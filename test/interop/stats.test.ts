/** Statistics and selections as NumPy, hashlib and DuckDB see them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stats } from '#pcam/explore/stats/stats.js';
import { exportDataset } from '#pcam/export/export.js';
import { selectPatches } from '#pcam/selection/select.js';
import { makeDataset, type TestDataset } from '../support/dataset.js';
import { requireDuckDB } from '../support/duckdb.js';
import { sharedFolder } from '../support/temp.js';
import { requireTool, runTool } from '../support/tools.js';

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
    const common = { ...data, splits, selection, shardSize: 16, workers: 2 };
    await exportDataset({ ...common, format: 'png', sha1: true, out: join(out, 'png') });
    await exportDataset({ ...common, format: 'png', layout: 'folder', sha1: true, out: join(out, 'folder') });
    await exportDataset({ ...common, format: 'raw', out: join(out, 'raw') });
    const orders = JSON.parse(await runTool(pil!, [script('check_selection.py'), data.dir, out, ...splits]));
    const selected = await selectPatches({ ...data, splits, selection });
    expect(orders).toEqual(Object.fromEntries(selected.map(({ split, indices }) => [split, [...indices]])));
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
