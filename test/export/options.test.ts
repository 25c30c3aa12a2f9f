/** What options ask for: a format by any of its names, an order, and an output folder that no other export has. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportDataset } from '#pcam/export/export.js';
import { ALIASES, FORMATS, findFormat } from '#pcam/export/formats/registry.js';
import { defaultOut, type ExportOptions, resolveOptions, resolveOut } from '#pcam/export/options.js';
import { recordOf, resolveSelection } from '#pcam/selection/options.js';
import { makeDataset, type TestDataset } from '../support/dataset.js';
import { sharedFolder, temporaryFolder } from '../support/temp.js';
import { treeOf } from '../support/tree.js';

let root: { folder: string; remove: () => Promise<void> };
let data: TestDataset;
beforeAll(async () => {
  root = await sharedFolder();
  data = await makeDataset({ train: 8, valid: 12, test: 6, root: root.folder });
});
afterAll(() => root.remove());

async function recipeOf(options: ExportOptions) {
  const { recipe } = await resolveOptions(options);
  const selection = recordOf(await resolveSelection(options.selection ?? {}, ['train']));
  return selection ? { ...recipe, selection } : recipe;
}

const nameOf = async (options: ExportOptions) => defaultOut(await recipeOf(options));

describe('the default folder', () => {
  it.each<[string, ExportOptions]>([
    ['pcam-png', { format: 'png' }],
    ['pcam-png', { format: 'png', part: { index: 1, of: 4 }, workers: 3, splits: ['valid'] }],
    ['pcam-png', { format: 'png', selection: { seed: 7 } }],
    ['pcam-png-folder', { format: 'png', layout: 'folder' }],
    ['pcam-raw-folder-center32', { format: 'raw', layout: 'folder', crop: 'center32' }],
    ['pcam-tfrecord', { format: 'tfrecord', order: 'tfds' }],
    ['pcam-tfrecord-order-file', { format: 'tfrecord', order: 'file' }],
    ['pcam-tfrecord-shuffled', { format: 'tfrecord', selection: { shuffle: true } }],
    ['pcam-png-512-per-shard-dali-sha1', { format: 'png', shardSize: 512, index: 'dali', sha1: true }],
    [
      'pcam-parquet-unique-label1-1000-per-class-shuffled-seed7',
      { format: 'parquet', selection: { unique: true, label: 1, perClass: 1000, shuffle: true, seed: 7 } },
    ],
    ['pcam-vtab-1k', { format: 'vtab-1k' }],
  ])('is %s', async (name, options) => {
    expect(await nameOf(options)).toBe(name);
  });

  it('is another one for each export', async () => {
    const selections: ExportOptions['selection'][] = [
      ...[{ label: 0 as const }, { label: 1 as const }, { unique: true }, { sample: 5 }, { perClass: 5 }],
      ...[{ perSlide: 5 }, { sample: 5, seed: 5 }, { sample: 55 }, { shuffle: true }, { slides: ['a*'] }],
      ...[{ slides: ['b*'] }, { slides: ['a*', 'b*'] }],
    ];
    const all: ExportOptions[] = FORMATS.filter(({ fixed }) => !fixed).flatMap(({ format, layout }) => [
      { format, layout },
      { format, layout, crop: 'center32' },
      ...selections.map((selection) => ({ format, layout, selection })),
    ]);
    const names = await Promise.all(all.map(nameOf));
    expect(new Set(names).size).toBe(all.length);
  });

  it("is not TFDS's own for anything but the whole in its order", async () => {
    const own = join(root.folder, 'patch_camelyon', '2.0.0');
    const whole = await recipeOf({ format: 'tfrecord' });
    expect(resolveOut(own, whole)).toBe(own);
    const centre = await recipeOf({ format: 'tfrecord', crop: 'center32' });
    expect(() => resolveOut(own, centre)).toThrow(expect.objectContaining({ code: 'USAGE' }));
    const config = join(root.folder, 'patch_camelyon', 'center32', '2.0.0');
    expect(resolveOut(config, centre)).toBe(config);
  });
});

describe('another name', () => {
  it.each(Object.entries(ALIASES))('%s is the format itself', async (alias, { format, layout }) => {
    expect(findFormat(alias)).toBe(findFormat(format, layout));
    const { dir, manifest } = data;
    const out = await temporaryFolder();
    const options = { dir, manifest, out, splits: ['valid'], workers: 1 } as const;
    const first = await exportDataset({ ...options, format: alias as keyof typeof ALIASES });
    const tree = await treeOf(out);
    const second = await exportDataset({ ...options, format, layout });
    expect([first.format, second.shards[0]!.status]).toEqual([format, 'present']);
    expect(await treeOf(out)).toEqual(tree);
  });
});

describe('tfrecord', () => {
  const infoOf = async (options: Partial<ExportOptions>) => {
    const { dir, manifest } = data;
    const out = await temporaryFolder();
    await exportDataset({
      dir,
      manifest,
      out,
      format: 'tfrecord',
      splits: ['valid'],
      workers: 1,
      ...options,
    });
    return JSON.parse(await readFile(join(out, 'dataset_info.json'), 'utf8'));
  };

  it('has no config name when it is the whole in the order of TFDS', async () => {
    expect(Object.keys(await infoOf({}))).not.toContain('configName');
  });

  it.each<[RegExp, Partial<ExportOptions>]>([
    [/^center32$/, { crop: 'center32' }],
    [/^order-file$/, { order: 'file' }],
    [/^center32-order-file$/, { crop: 'center32', order: 'file' }],
    [/^selection-[0-9a-f]{8}$/, { selection: { shuffle: true } }],
    [/^order-file-selection-[0-9a-f]{8}$/, { selection: { sample: 3 }, order: 'file' }],
  ])('has the config name %s', async (name, options) => {
    const info = await infoOf(options);
    expect(info.configName).toMatch(name);
    expect(info.configDescription).not.toBe('');
  });

  it('keeps what other tools have added to dataset_info.json', async () => {
    const { dir, manifest } = data;
    const out = await temporaryFolder();
    const options = { dir, manifest, out, format: 'tfrecord', splits: ['valid'], workers: 1 } as const;
    await exportDataset(options);
    const path = join(out, 'dataset_info.json');
    const info = JSON.parse(await readFile(path, 'utf8'));
    await writeFile(
      path,
      JSON.stringify({ ...info, alternativeFileFormats: ['array_record'], version: '1' }),
    );
    await exportDataset(options);
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({
      ...info,
      alternativeFileFormats: ['array_record'],
    });
  });
});
