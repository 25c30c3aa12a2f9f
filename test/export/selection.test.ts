/** An export of some patches keeps every promise that an export of all of them makes. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportDataset } from '#pcam/export/export.js';
import { FORMATS } from '#pcam/export/formats/registry.js';
import type { ExportOptions } from '#pcam/export/options.js';
import { selectPatches } from '#pcam/selection/select.js';
import { makeDataset, type TestDataset } from '../support/dataset.js';
import { sharedFolder, temporaryFolder } from '../support/temp.js';
import { treeOf } from '../support/tree.js';

let root: { folder: string; remove: () => Promise<void> };
let data: TestDataset;
beforeAll(async () => {
  root = await sharedFolder();
  data = await makeDataset({ train: 30, valid: 40, test: 12, root: root.folder });
});
afterAll(() => root.remove());

const selection = { perClass: 5, shuffle: true, seed: 3 } as const;

function run(options: Partial<ExportOptions> & Pick<ExportOptions, 'format' | 'out'>) {
  const { dir, manifest } = data;
  return exportDataset({ dir, manifest, splits: ['valid', 'test'], shardSize: 4, workers: 1, ...options });
}

/** Indices of a split in the order in which they were exported. */
async function order(split: 'valid' | 'test'): Promise<number[]> {
  const found = await selectPatches({ dir: data.dir, manifest: data.manifest, selection });
  return [...found.find((one) => one.split === split)!.indices];
}

describe.each(
  FORMATS.filter(({ fixed }) => !fixed).map(
    (format) => [`${format.format}, ${format.layout}`, format] as const,
  ),
)('a selection as %s', (_, format) => {
  const options = { format: format.format, layout: format.layout, selection, sha1: format.sha1 };
  let whole: string;
  let tree: Record<string, string>;
  beforeAll(async () => {
    whole = join(root.folder, `${format.format}-${format.layout}`);
    expect(await run({ ...options, out: whole, workers: 2 })).toMatchObject({ ok: true, patches: 20 });
    tree = await treeOf(whole);
  });

  it('is recorded in the index', async () => {
    const index = JSON.parse(await readFile(join(whole, 'index.json'), 'utf8'));
    expect(index).toMatchObject({ patches: 20, selection: { perClass: 5, shuffle: true, seed: 3 } });
    expect(index.splits).toEqual([
      { split: 'valid', patches: 10 },
      { split: 'test', patches: 10 },
    ]);
  });

  it('has the same bytes for other numbers of workers, and from parts', async () => {
    const [alone, parts] = [await temporaryFolder(), await temporaryFolder()];
    await run({ ...options, out: alone });
    expect(await treeOf(alone)).toEqual(tree);
    for (const index of [2, 1]) await run({ ...options, out: parts, part: { index, of: 2 } });
    expect(await treeOf(parts)).toEqual(tree);
  });

  it('continues where it was stopped', async () => {
    const out = await temporaryFolder();
    const stop = new AbortController();
    const onEvent: ExportOptions['onEvent'] = ({ type }) => type === 'output' && stop.abort();
    // In threads, small as it is.
    const stopped = run({ ...options, out, workers: 2, signal: stop.signal, onEvent });
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' });
    const { shards } = await run({ ...options, out });
    expect(shards.some(({ status }) => status === 'present')).toBe(true);
    expect(await treeOf(out)).toEqual(tree);
  });

  it('refuses another selection, or none, in its folder', async () => {
    for (const other of [{ ...selection, seed: 4 }, undefined]) {
      const refused = run({ ...options, out: whole, selection: other });
      const message = expect.stringMatching(/selection/);
      await expect(refused).rejects.toMatchObject({ code: 'OUTPUT_MISMATCH', message });
    }
    expect(await treeOf(whole)).toEqual(tree);
  });
});

describe('a selected patch keeps its split and index', () => {
  const text = (...path: string[]) => readFile(join(root.folder, ...path), 'latin1');

  it('in the keys of WebDataset', async () => {
    const keys = (await text('png-shards', 'pcam-valid-000000.tar')).match(/valid_\d{6}(?=\.png\0)/g)!;
    expect(keys.map((key) => Number(key.slice(6)))).toEqual((await order('valid')).slice(0, 4));
    const facts = (await text('png-shards', 'pcam-valid-000000.tar')).match(/\{"split".*?\}/g)!;
    expect(facts.map((json) => JSON.parse(json).index)).toEqual((await order('valid')).slice(0, 4));
    expect(JSON.parse(facts[0]!).sha1).toMatch(/^[0-9a-f]{40}$/);
  });

  it('in the table of an image folder', async () => {
    const [header, ...rows] = (await text('png-folder', 'test', 'metadata.csv')).trimEnd().split('\n');
    expect(header).toBe('file_name,label,index,sha1,wsi,coord_x,coord_y,tumor_patch,center_tumor_patch');
    const indices = rows.map((row) => Number(row.split(',')[2]));
    expect(indices).toEqual(await order('test'));
    expect(rows[0]).toMatch(new RegExp(`^[01]/test_${String(indices[0]).padStart(6, '0')}\\.png,`));
  });

  it('in an array beside NumPy ones', async () => {
    const bytes = await readFile(join(root.folder, 'raw-shards', 'pcam-valid-index-000001.npy'));
    expect(bytes.toString('latin1', 10)).toMatch(/^\{'descr': '<i8'.*'shape': \(4,\)/);
    const numbers = Array.from({ length: 4 }, (_, i) =>
      Number(bytes.readBigInt64LE(bytes.length - 32 + 8 * i)),
    );
    expect(numbers).toEqual((await order('valid')).slice(4, 8));
  });

  it('in the ids of TFRecord', async () => {
    const ids = (await text('tfrecord-shards', 'patch_camelyon-test.tfrecord-00000-of-00003')).match(
      /test_\d+/g,
    )!;
    expect(ids.map((id) => Number(id.slice(5)))).toEqual((await order('test')).slice(0, 4));
  });
});

describe('an export', () => {
  it('has the bytes and the index that it had before there were selections', async () => {
    const [plain, empty] = [await temporaryFolder(), await temporaryFolder()];
    await run({ format: 'raw', out: plain });
    await run({ format: 'raw', out: empty, selection: { seed: 5 } });
    expect(await treeOf(empty)).toEqual(await treeOf(plain));
    expect(Object.keys(JSON.parse(await readFile(join(plain, 'index.json'), 'utf8')))).not.toContain(
      'selection',
    );
  });

  it('leaves out splits that nothing is selected of', async () => {
    const indices = join(await temporaryFolder(), 'indices');
    await writeFile(indices, 'test,3\ntest,1\n');
    const out = await temporaryFolder();
    await run({ format: 'raw', out, selection: { indices } });
    const index = JSON.parse(await readFile(join(out, 'index.json'), 'utf8'));
    expect(index.splits).toEqual([{ split: 'test', patches: 2 }]);
    expect(index.inputs.every(({ split }: { split: string }) => split === 'test')).toBe(true);
    expect(index.selection).toEqual({ indices: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) } });
  });

  it.each([
    ['an empty selection', { slides: ['*'], label: 1 as const, indices: 'none' }, 'EMPTY_SELECTION', 3],
    ['more than there is', { perClass: 9999 }, 'USAGE', 2],
  ])('of %s writes nothing', async (_, wanted, code, exitCode) => {
    const folder = await temporaryFolder();
    const out = join(folder, 'out');
    if ('indices' in wanted) {
      wanted.indices = join(folder, 'none');
      await writeFile(wanted.indices, '');
    }
    await expect(run({ format: 'raw', out, selection: wanted })).rejects.toMatchObject({ code, exitCode });
    expect(await treeOf(folder)).not.toHaveProperty('out');
  });

  it('has no place for SHA-1 in every format', async () => {
    const out = await temporaryFolder();
    for (const format of ['raw', 'tfrecord'] as const) {
      await expect(run({ format, out, sha1: true })).rejects.toMatchObject({ code: 'USAGE' });
    }
  });
});
