/** What the readers of single formats look for beside the shards. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openSplit } from '#pcam/dataset/split.js';
import { exportDataset } from '#pcam/export/export.js';
import { tfdsOrder } from '#pcam/export/formats/tfds-order.js';
import type { ExportOptions } from '#pcam/export/options.js';
import type { SplitName } from '#pcam/manifest/types.js';
import { makeDataset, type TestDataset } from '../../support/dataset.js';
import { decodePng } from '../../support/png.js';
import { sharedFolder } from '../../support/temp.js';

let root: string;
let data: TestDataset;
beforeAll(async () => {
  const { folder, remove } = await sharedFolder();
  root = folder;
  data = await makeDataset({ train: 810, valid: 205, test: 30, root });
  return remove;
});

async function exported(options: Partial<ExportOptions> & Pick<ExportOptions, 'format'>): Promise<string> {
  const out = join(root, options.format);
  await exportDataset({ dir: data.dir, manifest: data.manifest, out, workers: 1, ...options });
  return out;
}

describe('WebDataset', () => {
  it('has the splits, shards and lengths that timm looks for', async () => {
    const out = await exported({ format: 'png', splits: ['valid', 'test'], shardSize: 100, index: 'dali' });
    expect(JSON.parse(await readFile(join(out, '_info.json'), 'utf8'))).toEqual({
      splits: {
        validation: {
          name: 'validation',
          num_samples: 205,
          filenames: [0, 1, 2].map((number) => `pcam-valid-00000${number}.tar`),
          shard_lengths: [100, 100, 5],
        },
        test: {
          name: 'test',
          num_samples: 30,
          filenames: ['pcam-test-000000.tar'],
          shard_lengths: [30],
        },
      },
    });
  });
});

describe('clip-benchmark', () => {
  it('has numbered tars, their number, class names and templates', async () => {
    const out = await exported({ format: 'clip-benchmark', splits: ['valid', 'test'], shardSize: 100 });
    expect((await readdir(join(out, 'valid'))).sort()).toEqual(['0.tar', '1.tar', '2.tar', 'nshards.txt']);
    const text = (name: string) => readFile(join(out, name), 'latin1');
    expect([await text('valid/nshards.txt'), await text('test/nshards.txt')]).toEqual(['3\n', '1\n']);
    expect(await text('classnames.txt')).toBe('lymph node\nlymph node containing metastatic tumor tissue\n');
    expect(await text('zeroshot_classification_templates.txt')).toBe(
      'a histopathology slide showing {c}\nhistopathology image of {c}\n',
    );
    const members = (await text('valid/2.tar')).match(/valid_\d{6}\.[a-z]+(?=\0)/g);
    expect(members).toEqual(
      [200, 201, 202, 203, 204].flatMap((n) => [`valid_000${n}.png`, `valid_000${n}.cls`]),
    );
  });
});

describe('vtab-1k', () => {
  it("has VTAB's sets, with every pixel and label", async () => {
    const out = await exported({ format: 'vtab-1k', shardSize: 300 });
    const first = (split: SplitName, count: number, taken: number) =>
      [
        ...tfdsOrder(
          split,
          Uint32Array.from({ length: count }, (_, i) => i),
        ).subarray(0, taken),
      ].map((index) => ({ split, index }));
    const [train, valid, test] = [first('train', 810, 800), first('valid', 205, 200), first('test', 30, 30)];
    const lists = { train800: train, val200: valid, train800val200: [...train, ...valid], test };
    for (const [name, patches] of Object.entries(lists)) {
      const lines = (await readFile(join(out, `${name}.txt`), 'utf8')).trimEnd().split('\n');
      expect(lines).toHaveLength(patches.length);
      expect(await readdir(join(out, 'images', name))).toHaveLength(patches.length);
      for (const [number, { split, index }] of patches.entries()) {
        if (number % 40 !== 0 && number !== patches.length - 1) continue;
        const opened = await openSplit({ dir: data.dir, manifest: data.manifest, split });
        const path = `images/${name}/${String(number).padStart(6, '0')}.png`;
        expect(lines[number]).toBe(`${path} ${opened.labels[index]}`);
        const { pixels } = decodePng(await readFile(join(out, path)));
        expect(Buffer.compare(pixels, opened.readPatches(index, index + 1)), path).toBe(0);
        opened.close();
      }
    }
  });
});
