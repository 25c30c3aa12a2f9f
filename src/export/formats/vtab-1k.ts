/**
 * VTAB-1k's subset of PCam as NOAH, SSF, RepAdapter and VPT read it: four lists of images with their labels. The sets are
 * the first patches in TFDS's order (`train[:800]`, `validation[:200]`), and all of test.
 * https://github.com/ZhangYuanhan-AI/NOAH#data-preparation
 */
import { PcamError } from '../../core/index.js';
import { SPLITS, type SplitName } from '../../manifest/index.js';
import { encodePng, estimatePngBytes, listLine } from '../encode/index.js';
import { cutShards, digits, eachPatch, hiddenList } from './sample.js';
import { tfdsOrder } from './tfds-order.js';
import type { ExportFormat } from './types.js';

/** Patches of a split; test is taken whole. */
const SIZES: Partial<Record<SplitName, number>> = { train: 800, valid: 200 };

/** The lists that patches of a split are in, and the number of the first one there. */
const LISTS: Record<SplitName, readonly { name: string; start: number }[]> = {
  train: [
    { name: 'train800', start: 0 },
    { name: 'train800val200', start: 0 },
  ],
  valid: [
    { name: 'val200', start: 0 },
    { name: 'train800val200', start: 800 },
  ],
  test: [{ name: 'test', start: 0 }],
};
const NAMES = new Set(SPLITS.flatMap((split) => LISTS[split].map(({ name }) => name)));
const ENCODER = new TextEncoder();

export const vtab1k: ExportFormat = {
  format: 'vtab-1k',
  layout: 'shards',
  revision: 1,
  summary: 'the 1,000 images of VTAB-1k and all of test as PNG, with the lists that its loaders read',
  workers: 8,
  shardSize: 2048,
  fixed: true,

  bytesPerPatch: ({ split, side, blockSize }) =>
    LISTS[split].length * Math.ceil(estimatePngBytes(side) / blockSize) * blockSize,

  arrange({ split, indices }) {
    const size = SIZES[split] ?? indices.length;
    if (indices.length < size) {
      throw new PcamError('USAGE', `vtab-1k takes ${size} patches of ${split}, which has ${indices.length}`, {
        hint: 'it is made of the whole data set; export another format, or more data',
      });
    }
    return tfdsOrder(split, indices).subarray(0, size);
  },

  plan: ({ split, recipe: { shardSize } }) =>
    cutShards({ split, shardSize, files: (number) => [{ file: hiddenList(split.split, number) }] }),

  write({ task: { split, start, files }, source, output }) {
    const list = output.create(files[0]!.file);
    let number = start;
    for (const { pixels } of eachPatch(source)) {
      const png = encodePng(pixels, source.side);
      for (const { name, start } of LISTS[split]) {
        const path = imagePath(name, start + number);
        list.write(ENCODER.encode(listLine(output.loose(path, png), path)));
      }
      number++;
    }
  },

  finish: ({ labels }) =>
    [...NAMES].map((name) => ({
      file: `${name}.txt`,
      text: () => {
        const all = SPLITS.filter((split) => LISTS[split].some((list) => list.name === name)).flatMap(
          (split) => [...labels(split)],
        );
        return all.map((label, number) => `${imagePath(name, number)} ${label}\n`).join('');
      },
    })),
};

function imagePath(list: string, number: number): string {
  return `images/${list}/${digits(number)}.png`;
}
