/** What every format of the registry promises, whatever it writes. */
import { cp, mkdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportDataset } from '#pcam/export/export.js';
import { FORMATS } from '#pcam/export/formats/registry.js';
import type { ExportOptions } from '#pcam/export/options.js';
import { makeDataset, type TestDataset } from '../../support/dataset.js';
import { sharedFolder, temporaryFolder } from '../../support/temp.js';
import { sha256, treeOf } from '../../support/tree.js';

/** Files beside the shards and the index that describe an export to people and readers. */
const DESCRIPTIONS: Record<string, string[]> = {
  'png, shards': ['_info.json'],
  'parquet, shards': ['README.md', 'croissant.json'],
  'tfrecord, shards': ['dataset_info.json', 'features.json', 'label.labels.txt'],
  'clip-benchmark, shards': [
    'classnames.txt',
    ...['test', 'train', 'valid'].map((split) => `${split}/nshards.txt`),
    'zeroshot_classification_templates.txt',
  ],
  'vtab-1k, shards': ['test.txt', 'train800.txt', 'train800val200.txt', 'val200.txt'],
};
const COUNTS = { train: 40, valid: 12, test: 8 };
/** A format that takes a fixed set of patches needs more, and shards that are larger in proportion. */
const FIXED = { train: 810, valid: 205, test: 8 };

let root: { folder: string; remove: () => Promise<void> };
let data: TestDataset;
let fixedData: TestDataset;
beforeAll(async () => {
  root = await sharedFolder();
  data = await makeDataset({ ...COUNTS, root: root.folder });
  fixedData = await makeDataset({ ...FIXED, root: join(root.folder, 'fixed') });
});
afterAll(() => root.remove());

interface Index {
  patches: number;
  shards: {
    file: string;
    split: string;
    patches: number;
    bytes: number;
    sha256: string;
    contents?: object;
  }[];
  files: { file: string; bytes: number; sha256: string }[];
  inputs: { file: string; md5: string }[];
}

async function indexOf(out: string): Promise<Index> {
  return JSON.parse(await readFile(join(out, 'index.json'), 'utf8'));
}

describe.each(FORMATS.map((format) => [`${format.format}, ${format.layout}`, format] as const))(
  '%s',
  (name, format) => {
    // A fixed set has no splits to choose, and is large: what does not depend on the format is left to the others.
    const ofSelectable = (title: string, test: () => Promise<void>) => {
      if (!format.fixed) it(title, test);
    };
    const patches = format.fixed ? 800 + 200 + 8 : 60;
    const inputOf = () => (format.fixed ? fixedData : data);
    const run = (options: Partial<ExportOptions> & { out: string }) =>
      exportDataset({
        dir: inputOf().dir,
        manifest: inputOf().manifest,
        format: format.format,
        layout: format.layout,
        shardSize: format.fixed ? 150 : 7,
        workers: 1,
        ...options,
      });

    /** The export that all others must equal, made once. */
    let whole: string;
    let tree: Record<string, string>;
    beforeAll(async () => {
      whole = join(root.folder, `${format.format}-${format.layout}`);
      const result = await run({ out: whole });
      expect(result).toMatchObject({ ok: true, format: format.format, out: whole, patches });
      expect(result.shards.every(({ status }) => status === 'written')).toBe(true);
      tree = await treeOf(whole);
    });

    it('lists every shard with its digest, and what it was made from', async () => {
      const index = await indexOf(whole);
      expect(index.patches).toBe(patches);
      for (const { file, bytes, sha256: digest } of [...index.shards, ...index.files]) {
        const content = await readFile(join(whole, file));
        expect([file, content.length, sha256(content)]).toEqual([file, bytes, digest]);
      }
      expect(index.inputs).toHaveLength(9);
      for (const { file, md5 } of index.inputs) {
        const entry = inputOf().manifest.files.find(
          ({ name, extracted }) => (extracted?.name ?? name) === file,
        )!;
        expect(md5).toBe(entry.extracted?.md5 ?? entry.md5);
      }
    });

    it('leaves nothing else behind', async () => {
      const { shards, files } = await indexOf(whole);
      const listed = new Set([...shards, ...files].map(({ file }) => file));
      for (const { file, contents } of shards) {
        if (!contents) continue;
        const list = await readFile(join(whole, file), 'utf8');
        for (const line of list.trimEnd().split('\n')) listed.add(line.slice(66));
      }
      const others = Object.keys(tree).filter((file) => !listed.has(file));
      const described = DESCRIPTIONS[name] ?? [];
      expect(others).toEqual([...described, 'index.json'].sort());
    });

    // The tests below run with one worker each.
    it('gives the same bytes for more workers', async () => {
      const out = await temporaryFolder();
      await run({ out, workers: 3 });
      expect(await treeOf(out)).toEqual(tree);
    });

    it('finds everything there on a second run, and touches nothing', async () => {
      const before = await stat(join(whole, 'index.json'));
      const result = await run({ out: whole });
      expect(new Set(result.shards.map(({ status }) => status))).toEqual(new Set(['present']));
      expect(await treeOf(whole)).toEqual(tree);
      const { shards } = await indexOf(whole);
      expect((await stat(join(whole, shards[0]!.file))).mtimeMs).toBeLessThanOrEqual(before.mtimeMs);
    });

    ofSelectable('writes again what is missing, short or changed, and only that', async () => {
      const out = await temporaryFolder();
      await cp(whole, out, { recursive: true });
      const { shards } = await indexOf(out);
      const [first, second, third] = shards.map(({ file }) => join(out, file));
      await rm(first!);
      await truncate(second!, 10);
      const bytes = await readFile(third!);
      bytes[bytes.length - 1]! ^= 1;
      await writeFile(third!, bytes);
      const result = await run({ out });
      const written = result.shards.filter(({ status }) => status === 'written').length;
      expect(written).toBeGreaterThanOrEqual(3);
      // Where a split is one directory, those that are spoilt may be all.
      expect(written).toBeLessThan(shards.length > 6 ? shards.length : shards.length + 1);
      expect(await treeOf(out)).toEqual(tree);
    });

    it('comes out whole from parts that write into one folder at once', async () => {
      const out = await temporaryFolder();
      const parts = [1, 2, 3].map((index) => run({ out, part: { index, of: 3 } }));
      const results = await Promise.all(parts);
      expect(results.reduce((sum, result) => sum + result.patches, 0)).toBe(patches);
      expect(await treeOf(out)).toEqual(tree);
    });

    ofSelectable('comes out whole from parts in folders of their own, once they are in one', async () => {
      const root = await temporaryFolder();
      const out = join(root, 'all');
      await mkdir(out);
      for (const index of [2, 1]) {
        const own = join(root, String(index));
        await run({ out: own, part: { index, of: 2 } });
        await expect(stat(join(own, 'index.json'))).rejects.toMatchObject({ code: 'ENOENT' });
        await cp(own, out, { recursive: true });
      }
      const result = await run({ out });
      expect(new Set(result.shards.map(({ status }) => status))).toEqual(new Set(['present']));
      expect(await treeOf(out)).toEqual(tree);
    });

    ofSelectable('comes out whole from some splits after another', async () => {
      const out = await temporaryFolder();
      await run({ out, splits: ['test'] });
      await run({ out, splits: ['train', 'valid'] });
      expect(await treeOf(out)).toEqual(tree);
    });

    ofSelectable('leaves only whole files when it is stopped, and continues from them', async () => {
      const out = await temporaryFolder();
      const stop = new AbortController();
      const stopped = run({
        out,
        signal: stop.signal,
        onEvent: ({ type }) => type === 'output' && stop.abort(),
      });
      await expect(stopped).rejects.toMatchObject({ code: 'ABORTED', exitCode: 130 });
      const left = await treeOf(out);
      const named = Object.entries(left).filter(([file]) => !file.startsWith('.pcam-tmp/'));
      expect(named.length).toBeGreaterThan(0);
      for (const [file, digest] of named) expect([file, digest]).toEqual([file, tree[file]]);
      expect(left['index.json']).toBeUndefined();
      const result = await run({ out });
      expect(result.shards.some(({ status }) => status === 'present')).toBe(true);
      expect(await treeOf(out)).toEqual(tree);
    });

    it('refuses a folder with other options until it is forced', async () => {
      const out = await temporaryFolder();
      await cp(whole, out, { recursive: true });
      const other = { out, crop: 'center32' } as const;
      await expect(run(other)).rejects.toMatchObject({ code: 'OUTPUT_MISMATCH', exitCode: 3 });
      expect(await treeOf(out)).toEqual(tree);
      await run({ ...other, force: true });
      const fresh = await temporaryFolder();
      await run({ ...other, out: fresh });
      expect(await treeOf(out)).toEqual(await treeOf(fresh));
      expect(await treeOf(out)).not.toEqual(tree);
    });
  },
);

it.each([
  ['parquet', 'README.md'],
  ['parquet', 'croissant.json'],
  ['tfrecord', 'dataset_info.json'],
] as const)('an export of synthetic data as %s says so in its %s', async (format, file) => {
  const made = (dataset: string) =>
    exportDataset({ ...data, manifest: { ...data.manifest, dataset }, splits: ['test'], format, ...place });
  const place = { out: join(await temporaryFolder(), 'out'), force: true, workers: 1 };
  await made('pcam-fixture-subset');
  const text = await readFile(join(place.out, file), 'utf8');
  expect(text).toMatch(/synthetic data in the layout of/i);
  expect(text).not.toMatch(/lymph node sections/);
  await made('pcam');
  expect(await readFile(join(place.out, file), 'utf8')).toMatch(/lymph node sections/);
});
