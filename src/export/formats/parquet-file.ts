/**
 * One Parquet file as Hugging Face's datasets library loads it: images as PNG in a struct, labels as a ClassLabel.
 * https://huggingface.co/docs/datasets/image_dataset and https://parquet.apache.org/docs/file-format/
 */
import type { ColumnSource } from 'hyparquet-writer';
import type { SplitName } from '../../manifest/index.js';
import { encodePng, type FileSink, openParquet, type ParquetSchema } from '../encode/index.js';
import { eachPatch, metaFields, type Patch, patchKey } from './sample.js';
import type { Recipe, ShardSource } from './types.js';

/**
 * Bytes of images a row group, some 230 patches. It bounds the memory of writer and reader; the images of a group
 * share one block, as the garbage collector is slow to notice many small ones.
 */
const GROUP_BYTES = 4 * 1024 * 1024;

/** Writes the patches of a task, in row groups; no more than one is in memory. */
export async function writeParquet({
  split,
  recipe,
  source,
  sink,
}: {
  split: SplitName;
  recipe: Recipe;
  source: ShardSource;
  sink: FileSink;
}): Promise<void> {
  const extra = extraColumns({ recipe, source });
  const writer = await openParquet({
    sink,
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
  for (const patch of eachPatch(source)) {
    const png = encodePng(patch.pixels, source.side);
    if (used + png.length > images.length) flush();
    images.set(png, used);
    rows.push(toRow({ split, patch, bytes: images.subarray(used, used + png.length), source }));
    used += png.length;
  }
  flush();
  writer.finish();
}

interface Row {
  image: { bytes: Uint8Array; path: string };
  label: bigint;
  index: number;
  sha1: string | undefined;
  meta: ReturnType<typeof metaFields> | undefined;
}

function toRow({
  split,
  patch: { index, sha1 },
  bytes,
  source: { labels, meta },
}: {
  split: SplitName;
  patch: Patch;
  bytes: Uint8Array;
  source: ShardSource;
}): Row {
  return {
    image: { bytes, path: `${patchKey(split, index)}.png` },
    label: BigInt(labels[index]!),
    index,
    sha1,
    meta: meta ? metaFields(meta, index) : undefined,
  };
}

/** A column beside image and label. */
interface ParquetColumn {
  readonly name: string;
  readonly type: keyof typeof TYPES;
  data(rows: readonly Row[]): ColumnSource['data'];
}

const TYPES = {
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  int64: { type: 'INT64' },
  bool: { type: 'BOOLEAN' },
} as const;

function whole(rows: readonly Row[], value: (row: Row) => number): BigInt64Array {
  return BigInt64Array.from(rows, (row) => BigInt(value(row)));
}

const INDEX: ParquetColumn = {
  name: 'index',
  type: 'int64',
  data: (rows) => whole(rows, ({ index }) => index),
};
const SHA1: ParquetColumn = { name: 'sha1', type: 'string', data: (rows) => rows.map(({ sha1 }) => sha1) };
const META: readonly ParquetColumn[] = [
  { name: 'wsi', type: 'string', data: (rows) => rows.map(({ meta }) => meta!.wsi) },
  { name: 'coord_x', type: 'int64', data: (rows) => whole(rows, ({ meta }) => meta!.coord_x) },
  { name: 'coord_y', type: 'int64', data: (rows) => whole(rows, ({ meta }) => meta!.coord_y) },
  { name: 'tumor_patch', type: 'bool', data: (rows) => rows.map(({ meta }) => meta!.tumor_patch) },
  {
    name: 'center_tumor_patch',
    type: 'bool',
    data: (rows) => rows.map(({ meta }) => meta!.center_tumor_patch),
  },
];

function extraColumns({ recipe, source }: { recipe: Recipe; source: ShardSource }): ParquetColumn[] {
  const { order, meta } = source;
  return [...(order ? [INDEX] : []), ...(recipe.sha1 ? [SHA1] : []), ...(meta ? META : [])];
}

function columns(rows: readonly Row[], extra: readonly ParquetColumn[]): ColumnSource[] {
  return [
    // Packed already: a second compression costs time in every reader. Bounds of PNG bytes mean nothing.
    {
      name: 'image',
      data: rows.map((row) => row.image),
      codec: 'UNCOMPRESSED',
      encoding: 'PLAIN',
      statistics: false,
    },
    { name: 'label', data: BigInt64Array.from(rows, (row) => row.label) },
    ...extra.map(({ name, data }) => ({ name, data: data(rows) })),
  ];
}

/** All optional, as Arrow writes columns and so as the hub's own files are. */
function schema(extra: readonly ParquetColumn[]): ParquetSchema {
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
function features(extra: readonly ParquetColumn[]): string {
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
