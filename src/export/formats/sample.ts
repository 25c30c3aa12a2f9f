/** What every format says of a patch in the same words: its key, its fields, and where shards are cut. */
import { PATCH_SIZE } from '../../core/index.js';
import type { MetaRow } from '../../dataset/index.js';
import type { SplitName } from '../../manifest/index.js';
import { estimatePngBytes } from '../encode/index.js';
import type { Crop, ExportFormat, ShardSource, ShardTask, SplitSummary, TaskFile } from './types.js';

/** Height and width in px of each crop. */
const SIDES: Record<Crop, number> = { center32: 32 };

/** Height and width in px of what is exported. */
export function sideOf(crop: Crop | null): number {
  return crop === null ? PATCH_SIZE : SIDES[crop];
}

/** Split names of the Hugging Face hub and of TFDS. */
export const HUB_SPLITS: Record<SplitName, string> = { train: 'train', valid: 'validation', test: 'test' };

/** A column of the meta CSV as exports write it. */
export interface MetaColumn {
  readonly name: keyof MetaRow;
  readonly type: 'string' | 'int64' | 'bool';
  readonly description: string;
}

/** In the order that exports use. */
export const META_COLUMNS: readonly MetaColumn[] = [
  { name: 'wsi', type: 'string', description: 'The slide of Camelyon16 that the patch was cut from.' },
  { name: 'coord_x', type: 'int64', description: 'Horizontal position on the slide.' },
  { name: 'coord_y', type: 'int64', description: 'Vertical position on the slide.' },
  { name: 'tumor_patch', type: 'bool', description: 'Whether the patch contains tumor tissue.' },
  {
    name: 'center_tumor_patch',
    type: 'bool',
    description: 'Whether the centre 32 x 32 px contain tumor tissue.',
  },
];

/** Patches that are read at a time: 1.8 MB. */
export const BATCH = 64;

/** `train_000042`: the patch's split and its index there, which is its row in the HDF5. */
export function patchKey(split: SplitName, index: number): string {
  return `${split}_${digits(index)}`;
}

/** Six digits sort by name in the order of the data up to a million. */
export function digits(number: number, length = 6): string {
  return String(number).padStart(length, '0');
}

/** Labels as text files and tar members have them. */
export const LABEL_TEXTS = ['0', '1'].map((label) => new TextEncoder().encode(label));

/**
 * The list of the images of a shard with their digests, in the format of `sha256sum`: an index of every image
 * would have tens of megabytes. A hidden file in the root: loaders take every directory there for a split or a
 * class, hidden or not, and a file that is named after a split for data.
 */
export function hiddenList(split: SplitName, number: number): string {
  return `.${split}-${digits(number)}.sha256`;
}

/** A patch on its way into a shard. */
export interface Patch {
  readonly index: number;
  /** uint8, shape (side, side, 3). */
  readonly pixels: Uint8Array;
  /** In hex; undefined where the recipe has none. */
  readonly sha1: string | undefined;
}

/**
 * One JSON object: split, index, label, SHA-1 where it is asked for, and the meta row where there is one. A template, as
 * JSON.stringify would take a tenth of the time of a sample.
 */
export function patchJson(
  split: SplitName,
  { index, sha1 }: Pick<Patch, 'index' | 'sha1'>,
  { labels, meta }: ShardSource,
): string {
  const digest = sha1 === undefined ? '' : `,"sha1":"${sha1}"`;
  const known = `{"split":"${split}","index":${index},"label":${labels[index]}${digest}`;
  if (!meta) return `${known}}`;
  const { wsi, coord_x, coord_y, tumor_patch, center_tumor_patch } = meta.row(index);
  return `${known},"wsi":${JSON.stringify(wsi)},"coord_x":${coord_x},"coord_y":${coord_y},"tumor_patch":${tumor_patch},"center_tumor_patch":${center_tumor_patch}}`;
}

/** Cuts a split into shards of `shardSize` patches, the last one smaller; `null` makes one shard. */
export function cutShards({
  split: { split, patches },
  shardSize,
  startOf,
  files,
}: {
  split: SplitSummary;
  shardSize: number | null;
  /** First patch of a shard, where not all but the last are of the same size. */
  startOf?(patches: number, number: number, of: number): number;
  /** The files of a shard by its number, given how many shards there are. */
  files(number: number, of: number): TaskFile[];
}): ShardTask[] {
  const size = shardSize ?? Math.max(1, patches);
  const of = Math.max(1, Math.ceil(patches / size));
  return Array.from({ length: of }, (_, number) => ({
    split,
    start: startOf?.(patches, number, of) ?? number * size,
    end: startOf?.(patches, number + 1, of) ?? Math.min(patches, (number + 1) * size),
    number,
    of,
    files: files(number, of),
  }));
}

/** The patches of a task, or of a range of the split, one by one; `pixels` is good until the next. */
export function* eachPatch(
  source: ShardSource,
  range?: { start: number; end: number },
): Generator<Patch, void, void> {
  for (const { indices, count, pixels, sha1 } of source.batches(BATCH, range)) {
    const patchBytes = pixels.length / count;
    for (let i = 0; i < count; i++) {
      const patch = pixels.subarray(i * patchBytes, (i + 1) * patchBytes);
      yield { index: indices[i]!, pixels: patch, sha1: sha1?.[i] };
    }
  }
}

/** Labels of the patches from `start` to `end` in the order of the export. */
export function labelsOf({ labels, order }: ShardSource, start: number, end: number): Uint8Array {
  return order
    ? Uint8Array.from(order.subarray(start, end), (index) => labels[index]!)
    : labels.subarray(start, end);
}

/**
 * One file per shard, with its number and the number of all in the name, as the Hugging Face hub and TFDS have them.
 * @param name of a file, from its split and `00000-of-00013`
 */
export function numberedShards(
  name: (split: SplitName, numbers: string) => string,
  startOf?: (patches: number, number: number, of: number) => number,
): ExportFormat['plan'] {
  return ({ split, recipe: { shardSize } }) =>
    cutShards({
      ...{ split, shardSize, startOf },
      files: (number, of) => [{ file: name(split.split, `${digits(number, 5)}-of-${digits(of, 5)}`) }],
    });
}

/** Size of a row or record with a PNG, its label and its id. */
export function estimatePngRow({ side }: { side: number }): number {
  return estimatePngBytes(side) + 100;
}
