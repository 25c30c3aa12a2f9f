/**
 * ImageFolder: one PNG a patch, in a folder for each label, and a metadata.csv a split, as torchvision's ImageFolder
 * and Hugging Face's imagefolder load them.
 * https://huggingface.co/docs/datasets/image_dataset#imagefolder
 */
import { DEFAULTS, PcamError } from '../../core/index.js';
import { csvField, encodePng, estimatePngBytes, listLine } from '../encode/index.js';
import { cutShards, eachPatch, hiddenList, META_COLUMNS, type Patch, patchKey } from './sample.js';
import type { ExportFormat, Recipe, ShardOutput, ShardSource, ShardTask } from './types.js';

const ENCODER = new TextEncoder();

export const imageFolder: ExportFormat = {
  format: 'png',
  layout: 'folder',
  revision: 2,
  summary:
    'ImageFolder: <split>/<label>/<patch>.png and a metadata.csv, for torchvision, fastai and Hugging Face',
  sha1: true,
  workers: 8,
  shardSize: DEFAULTS.shardSize,

  requireLabels({ split, labels }) {
    const [first] = labels;
    if (labels.some((label) => label !== first)) return;
    throw new PcamError('USAGE', `every patch of ${split} in this image folder has label ${first}`, {
      hint: 'readers number the class folders that they find, so that label 1 alone would be class 0: choose patches of both labels, or png in shards',
    });
  },

  bytesPerPatch: ({ side, blockSize }) => Math.ceil(estimatePngBytes(side) / blockSize) * blockSize + 400,

  plan({ split, recipe: { shardSize } }) {
    const lists = cutShards({
      split,
      shardSize,
      files: (number) => [{ file: hiddenList(split.split, number) }],
    });
    const table = { split: split.split, start: 0, end: 0, number: lists.length, of: lists.length };
    return [...lists, { ...table, files: [{ file: `${split.split}/metadata.csv`, side: true }] }];
  },

  write({ task, recipe, source, output }) {
    if (task.files[0]!.side) writeTable({ task, recipe, source, output });
    else writeImages({ task, recipe, source, output });
  },
};

interface FolderRequest {
  task: ShardTask;
  recipe: Recipe;
  source: ShardSource;
  output: ShardOutput;
}

/** `train/1/train_000042.png`: class folders sort as the labels do. */
function imagePath({ split }: ShardTask, index: number, label: number): string {
  return `${split}/${label}/${patchKey(split, index)}.png`;
}

function writeImages({ task, source, output }: FolderRequest): void {
  const list = output.create(task.files[0]!.file);
  for (const { index, pixels } of eachPatch(source)) {
    const path = imagePath(task, index, source.labels[index]!);
    list.write(ENCODER.encode(listLine(output.loose(path, encodePng(pixels, source.side)), path)));
  }
}

function writeTable({ task, recipe, source, output }: FolderRequest): void {
  const { labels, meta, order } = source;
  const table = output.create(task.files[0]!.file);
  const header = ['file_name', 'label', ...(order ? ['index'] : []), ...(recipe.sha1 ? ['sha1'] : [])];
  table.write(
    ENCODER.encode(`${[...header, ...(meta ? META_COLUMNS.map(({ name }) => name) : [])].join(',')}\n`),
  );
  for (const { index, sha1 } of rows(source, recipe)) {
    const label = labels[index]!;
    const file = imagePath(task, index, label).slice(task.split.length + 1);
    const known = [file, label, ...(order ? [index] : []), ...(sha1 === undefined ? [] : [sha1])];
    const row = [...known, ...(meta ? META_COLUMNS.map(({ name }) => meta.row(index)[name]) : [])];
    table.write(ENCODER.encode(`${row.map(csvField).join(',')}\n`));
  }
}

/** The rows of the table. Pixels are read only for their SHA-1. */
function* rows(source: ShardSource, { sha1 }: Recipe): Generator<Pick<Patch, 'index' | 'sha1'>, void, void> {
  const { labels, order } = source;
  const end = order?.length ?? labels.length;
  if (sha1) yield* eachPatch(source, { start: 0, end });
  else for (let place = 0; place < end; place++) yield { index: order?.[place] ?? place, sha1: undefined };
}
