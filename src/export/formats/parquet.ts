/**
 * Parquet in the folders and names of the Hugging Face hub, with a dataset card, as the datasets library loads it: images
 * as PNG in a struct, labels as a ClassLabel.
 * https://huggingface.co/docs/datasets/image_dataset and https://parquet.apache.org/docs/file-format/
 */
import type { ColumnSource } from 'hyparquet-writer';
import { encodePng, openParquet, type ParquetSchema } from '../encode/index.js';
import { datasetCard } from './card.js';
import { CROISSANT_FILE, parquetCroissant } from './croissant.js';
import {
  eachPatch,
  estimatePngRow,
  HUB_SPLITS,
  META_COLUMNS,
  type MetaColumn,
  numberedShards,
  type Patch,
  patchKey,
} from './sample.js';
import type { ExportFormat, Recipe, ShardOutput, ShardSource, ShardTask } from './types.js';

/**
 * Bytes of images in a row group, some 230 patches. It bounds the memory of writer and reader; the images of a group
 * share one buffer, as the garbage collector is slow to notice many small ones.
 */
const GROUP_BYTES = 4 * 1024 * 1024;

export const parquet: ExportFormat = {
  format: 'parquet',
  layout: 'shards',
  revision: 1,
  summary: 'Parquet as on the Hugging Face hub, for datasets, DuckDB, Spark and Ray',
  sha1: true,
  workers: 4,
  // Train becomes 16 files of some 300 MB, which 2, 4, 8 and 16 readers can share, and valid and test two each.
  shardSize: 16_384,

  bytesPerPatch: estimatePngRow,

  plan: numberedShards((split, numbers) => `data/${HUB_SPLITS[split]}-${numbers}.parquet`),

  write: writeParquet,

  finish: (request) => [
    { file: 'README.md', text: () => datasetCard(request) },
    { file: CROISSANT_FILE, text: () => parquetCroissant(request) },
  ],
};

interface Row {
  image: { bytes: Uint8Array; path: string };
  label: bigint;
  patch: Patch;
}

/** A column beside image and label. */
interface ExtraColumn {
  readonly name: string;
  readonly type: MetaColumn['type'];
  value(patch: Patch): string | number | boolean | undefined;
}

/** Writes the patches of a task, in row groups; no more than one is in memory. */
async function writeParquet({
  task: { split, files },
  recipe,
  source,
  output,
}: {
  task: ShardTask;
  recipe: Recipe;
  source: ShardSource;
  output: ShardOutput;
}): Promise<void> {
  const extra = extraColumns({ recipe, source });
  const writer = await openParquet({
    sink: output.create(files[0]!.file),
    schema: schema(extra),
    metadata: [{ key: 'huggingface', value: features(extra) }],
  });
  const images = new Uint8Array(GROUP_BYTES);
  let used = 0;
  let rows: Row[] = [];
  const flush = () => {
    if (rows.length > 0) writer.write({ columnData: columns(rows, extra), rowGroupSize: rows.length });
    rows = [];
    used = 0;
  };
  for (const { index, sha1, pixels } of eachPatch(source)) {
    const png = encodePng(pixels, source.side);
    if (used + png.length > images.length) flush();
    images.set(png, used);
    const bytes = images.subarray(used, used + png.length);
    used += png.length;
    rows.push({
      image: { bytes, path: `${patchKey(split, index)}.png` },
      label: BigInt(source.labels[index]!),
      patch: { index, sha1, pixels },
    });
  }
  flush();
  writer.finish();
}

function extraColumns({ recipe, source }: { recipe: Recipe; source: ShardSource }): ExtraColumn[] {
  const { order, meta } = source;
  return [
    ...(order ? [{ name: 'index', type: 'int64', value: ({ index }: Patch) => index } as const] : []),
    ...(recipe.sha1 ? [{ name: 'sha1', type: 'string', value: ({ sha1 }: Patch) => sha1 } as const] : []),
    ...(meta
      ? META_COLUMNS.map(({ name, type }) => ({
          ...{ name, type },
          value: ({ index }: Patch) => meta.row(index)[name],
        }))
      : []),
  ];
}

function columns(rows: readonly Row[], extra: readonly ExtraColumn[]): ColumnSource[] {
  return [
    // PNG is compressed already: a second compression costs time in every reader. Bounds of PNG bytes mean nothing.
    {
      name: 'image',
      data: rows.map((row) => row.image),
      codec: 'UNCOMPRESSED',
      encoding: 'PLAIN',
      statistics: false,
    },
    { name: 'label', data: BigInt64Array.from(rows, (row) => row.label) },
    ...extra.map(({ name, type, value }) => ({
      name,
      data:
        type === 'int64'
          ? BigInt64Array.from(rows, ({ patch }) => BigInt(value(patch)!))
          : rows.map(({ patch }) => value(patch)),
    })),
  ];
}

const TYPES = {
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  int64: { type: 'INT64' },
  bool: { type: 'BOOLEAN' },
} as const;

/** All optional, as Arrow writes columns and so as the hub's own files are. */
function schema(extra: readonly ExtraColumn[]): ParquetSchema {
  const optional = { repetition_type: 'OPTIONAL' } as const;
  return [
    { name: 'root', num_children: 2 + extra.length },
    { name: 'image', num_children: 2, ...optional },
    { name: 'bytes', type: 'BYTE_ARRAY', ...optional },
    { name: 'path', ...TYPES.string, ...optional },
    { name: 'label', ...TYPES.int64, ...optional },
    ...extra.map(({ name, type }) => ({ name, ...TYPES[type], ...optional })),
  ];
}

/** What the datasets library needs to know beyond Parquet's types. */
function features(extra: readonly ExtraColumn[]): string {
  const values = extra.map(({ name, type }) => [name, { dtype: type, _type: 'Value' }]);
  return JSON.stringify({
    info: {
      features: {
        image: { _type: 'Image' },
        label: { names: ['normal', 'tumor'], _type: 'ClassLabel' },
        ...Object.fromEntries(values),
      },
    },
  });
}
