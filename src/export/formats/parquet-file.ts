/**
 * One Parquet file as Hugging Face's datasets library loads it: images as PNG in a struct, labels as a ClassLabel.
 * https://huggingface.co/docs/datasets/image_dataset and https://parquet.apache.org/docs/file-format/
 */
import type { ColumnSource } from 'hyparquet-writer';
import type { SplitName } from '../../manifest/index.js';
import { encodePng, type FileSink, openParquet, type ParquetSchema } from '../encode/index.js';
import { eachPatch, metaFields, patchKey } from './sample.js';
import type { ShardSource } from './types.js';

/**
 * Bytes of images a row group, some 230 patches. It bounds the memory of writer and reader; the images of a group
 * share one block, as the garbage collector is slow to notice many small ones.
 */
const GROUP_BYTES = 4 * 1024 * 1024;

/** Writes the patches of a task, in row groups; no more than one is in memory. */
export async function writeParquet({
  split,
  source,
  sink,
}: {
  split: SplitName;
  source: ShardSource;
  sink: FileSink;
}): Promise<void> {
  const withMeta = source.meta !== null;
  const writer = await openParquet({
    sink,
    schema: schema(withMeta),
    metadata: [{ key: 'huggingface', value: features(withMeta) }],
  });
  const images = new Uint8Array(GROUP_BYTES);
  let used = 0;
  let rows: Row[] = [];
  const flush = () => {
    if (rows.length > 0) writer.write({ columnData: columns(rows, withMeta), rowGroupSize: rows.length });
    rows = [];
    used = 0;
  };
  for (const { index, pixels } of eachPatch(source)) {
    const png = encodePng(pixels, source.side);
    if (used + png.length > images.length) flush();
    images.set(png, used);
    rows.push(toRow({ split, index, bytes: images.subarray(used, used + png.length), source }));
    used += png.length;
  }
  flush();
  writer.finish();
}

interface Row {
  image: { bytes: Uint8Array; path: string };
  label: bigint;
  meta: ReturnType<typeof metaFields> | undefined;
}

function toRow({
  split,
  index,
  bytes,
  source: { labels, meta },
}: {
  split: SplitName;
  index: number;
  bytes: Uint8Array;
  source: ShardSource;
}): Row {
  return {
    image: { bytes, path: `${patchKey(split, index)}.png` },
    label: BigInt(labels[index]!),
    meta: meta ? metaFields(meta, index) : undefined,
  };
}

function columns(rows: readonly Row[], withMeta: boolean): ColumnSource[] {
  const plain: ColumnSource[] = [
    // Packed already: a second compression costs time in every reader. Bounds of PNG bytes mean nothing.
    {
      name: 'image',
      data: rows.map((row) => row.image),
      codec: 'UNCOMPRESSED',
      encoding: 'PLAIN',
      statistics: false,
    },
    { name: 'label', data: BigInt64Array.from(rows, (row) => row.label) },
  ];
  if (!withMeta) return plain;
  const meta = rows.map((row) => row.meta!);
  return [
    ...plain,
    { name: 'wsi', data: meta.map((row) => row.wsi) },
    { name: 'coord_x', data: BigInt64Array.from(meta, (row) => BigInt(row.coord_x)) },
    { name: 'coord_y', data: BigInt64Array.from(meta, (row) => BigInt(row.coord_y)) },
    { name: 'tumor_patch', data: meta.map((row) => row.tumor_patch) },
    { name: 'center_tumor_patch', data: meta.map((row) => row.center_tumor_patch) },
  ];
}

/** All optional, as Arrow writes columns and so as the hub's own files are. */
function schema(withMeta: boolean): ParquetSchema {
  const optional = { repetition_type: 'OPTIONAL' } as const;
  const text = { type: 'BYTE_ARRAY', converted_type: 'UTF8', ...optional } as const;
  const meta: ParquetSchema = [
    { name: 'wsi', ...text },
    { name: 'coord_x', type: 'INT64', ...optional },
    { name: 'coord_y', type: 'INT64', ...optional },
    { name: 'tumor_patch', type: 'BOOLEAN', ...optional },
    { name: 'center_tumor_patch', type: 'BOOLEAN', ...optional },
  ];
  return [
    { name: 'root', num_children: withMeta ? 2 + meta.length : 2 },
    { name: 'image', num_children: 2, ...optional },
    { name: 'bytes', type: 'BYTE_ARRAY', ...optional },
    { name: 'path', ...text },
    { name: 'label', type: 'INT64', ...optional },
    ...(withMeta ? meta : []),
  ];
}

/** What the datasets library needs to know beyond Parquet's types. */
function features(withMeta: boolean): string {
  const value = (dtype: string) => ({ dtype, _type: 'Value' });
  const meta = {
    wsi: value('string'),
    coord_x: value('int64'),
    coord_y: value('int64'),
    tumor_patch: value('bool'),
    center_tumor_patch: value('bool'),
  };
  return JSON.stringify({
    info: {
      features: {
        image: { _type: 'Image' },
        label: { names: ['normal', 'tumor'], _type: 'ClassLabel' },
        ...(withMeta ? meta : {}),
      },
    },
  });
}
