/**
 * ImageFolder: one PNG a patch, in a folder for each label, and a metadata.csv a split, as torchvision's ImageFolder
 * and Hugging Face's imagefolder load them.
 * https://huggingface.co/docs/datasets/image_dataset#imagefolder
 */
import { DEFAULTS } from '../../core/index.js';
import { csvField, encodePng, estimatePngBytes, listLine } from '../encode/index.js';
import { cutShards, digits, eachPatch, metaFields, patchKey } from './sample.js';
import type { ExportFormat, ShardOutput, ShardSource, ShardTask } from './types.js';

/**
 * Hundreds of thousands of images would make an index of their own, so a shard is a list of some of them with their
 * digests, in the format of `sha256sum`. Its folder is hidden, so that no loader takes it for a split or a class.
 */
const LISTS = '.pcam-sha256';
const COLUMNS = ['wsi', 'coord_x', 'coord_y', 'tumor_patch', 'center_tumor_patch'] as const;
const ENCODER = new TextEncoder();

export const imageFolder: ExportFormat = {
  format: 'png',
  layout: 'folder',
  revision: 1,
  summary:
    'ImageFolder: <split>/<label>/<patch>.png and a metadata.csv, for torchvision, fastai and Hugging Face',
  indexes: [],
  workers: 8,
  shardSize: DEFAULTS.shardSize,

  bytesPerPatch: ({ side, blockSize }) => Math.ceil(estimatePngBytes(side) / blockSize) * blockSize + 400,

  plan({ split, recipe: { shardSize } }) {
    const lists = cutShards({
      split,
      shardSize,
      files: (number) => [{ file: `${LISTS}/${split.split}-${digits(number)}.sha256` }],
    });
    const table = { split: split.split, start: 0, end: 0, number: lists.length, of: lists.length };
    return [...lists, { ...table, files: [{ file: `${split.split}/metadata.csv`, side: true }] }];
  },

  write({ task, source, output }) {
    if (task.files[0]!.side) writeTable({ task, source, output });
    else writeImages({ task, source, output });
  },
};

interface WriteRequest {
  task: ShardTask;
  source: ShardSource;
  output: ShardOutput;
}

/** `train/1/train_000042.png`: class folders sort as the labels do. */
function imagePath({ split }: ShardTask, index: number, label: number): string {
  return `${split}/${label}/${patchKey(split, index)}.png`;
}

function writeImages({ task, source, output }: WriteRequest): void {
  const list = output.create(task.files[0]!.file);
  for (const { index, pixels } of eachPatch(source)) {
    const path = imagePath(task, index, source.labels[index]!);
    list.write(ENCODER.encode(listLine(output.loose(path, encodePng(pixels, source.side)), path)));
  }
}

function writeTable({ task, source: { labels, meta }, output }: WriteRequest): void {
  const table = output.create(task.files[0]!.file);
  table.write(ENCODER.encode(`${['file_name', 'label', ...(meta ? COLUMNS : [])].join(',')}\n`));
  labels.forEach((label, index) => {
    const file = imagePath(task, index, label).slice(task.split.length + 1);
    const row = [file, label, ...(meta ? Object.values(metaFields(meta, index)) : [])];
    table.write(ENCODER.encode(`${row.map(csvField).join(',')}\n`));
  });
}
