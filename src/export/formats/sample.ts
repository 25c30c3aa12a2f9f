/** What every format says of a patch in the same words: its key, its fields, and where shards are cut. */
import { PATCH_SIZE } from '../../core/index.js';
import type { MetaTable } from '../../dataset/index.js';
import type { SplitName } from '../../manifest/index.js';
import type { Crop, ShardSource, ShardTask, SplitSummary, TaskFile } from './types.js';

/** Height and width in px of each crop. */
const SIDES: Record<Crop, number> = { center32: 32 };

/** Height and width in px of what is exported. */
export function sideOf(crop: Crop | null): number {
  return crop === null ? PATCH_SIZE : SIDES[crop];
}

/** Patches that are read at a time: 1.8 MB. */
export const BATCH = 64;

/** `train_000042`: the patch's split and its index there, which is its row in the HDF5. */
export function patchKey(split: SplitName, index: number): string {
  return `${split}_${digits(index)}`;
}

/** Six digits sort by name in the order of the data up to a million. */
export function digits(number: number, least = 6): string {
  return String(number).padStart(least, '0');
}

/**
 * One JSON object: split, index, label, and the meta row where there is one. Put together by hand: this is a tenth of
 * the time of a sample otherwise.
 */
export function patchJson(split: SplitName, index: number, { labels, meta }: ShardSource): string {
  const known = `{"split":"${split}","index":${index},"label":${labels[index]}`;
  if (!meta) return `${known}}`;
  const { wsi, coord_x, coord_y, tumor_patch, center_tumor_patch } = meta.row(index);
  return `${known},"wsi":${JSON.stringify(wsi)},"coord_x":${coord_x},"coord_y":${coord_y},"tumor_patch":${tumor_patch},"center_tumor_patch":${center_tumor_patch}}`;
}

/** The meta row with its columns in the order that exports use. */
export function metaFields(meta: MetaTable, index: number) {
  const { wsi, coord_x, coord_y, tumor_patch, center_tumor_patch } = meta.row(index);
  return { wsi, coord_x, coord_y, tumor_patch, center_tumor_patch };
}

/** Cuts a split into shards of `shardSize` patches, the last one smaller; `null` makes one shard. */
export function cutShards({
  split: { split, patches },
  shardSize,
  files,
}: {
  split: SplitSummary;
  shardSize: number | null;
  /** The files of a shard by its number, given how many shards there are. */
  files(number: number, of: number): TaskFile[];
}): ShardTask[] {
  const size = shardSize ?? Math.max(1, patches);
  const of = Math.max(1, Math.ceil(patches / size));
  return Array.from({ length: of }, (_, number) => ({
    split,
    start: number * size,
    end: Math.min(patches, (number + 1) * size),
    number,
    of,
    files: files(number, of),
  }));
}

/** The patches of a task one by one; `pixels` has the shape (side, side, 3) and is good until the next. */
export function* eachPatch(
  source: ShardSource,
): Generator<{ index: number; pixels: Uint8Array }, void, void> {
  for (const { start, count, pixels } of source.batches(BATCH)) {
    const patchBytes = pixels.length / count;
    for (let i = 0; i < count; i++) {
      yield { index: start + i, pixels: pixels.subarray(i * patchBytes, (i + 1) * patchBytes) };
    }
  }
}
