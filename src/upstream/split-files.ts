/** The three files of a split under their upstream names, as streams of bytes. */
import { CHANNELS, PATCH_SIZE } from '../core/index.js';
import { csvField } from '../export/encode/index.js';
import type { Kind, SplitName } from '../manifest/index.js';
import type { Bytes } from './archive.js';
import { type ArrayPlan, hdf5File } from './hdf5-writer.js';

/** One file as upstream has it, with what its manifest entry says of it. */
export interface UpstreamFile {
  /** The decompressed file's name, such as `camelyonpatch_level_2_split_train_x.h5`. */
  readonly name: string;
  readonly split: SplitName;
  readonly kind: Kind;
  /** What upstream serves compressed. */
  readonly gzip: boolean;
  readonly array?: ArrayPlan;
  readonly content: Bytes;
}

/** Lines that go into the CSV together. */
const BLOCK = 1024;

const ENDINGS: Record<Kind, string> = { images: '_x.h5', labels: '_y.h5', meta: '_meta.csv' };

/** Name of a decompressed file. */
export function upstreamName(split: SplitName, kind: Kind): string {
  return `camelyonpatch_level_2_split_${split}${ENDINGS[kind]}`;
}

/** A row of a meta CSV as pandas writes it. */
export interface UpstreamRow {
  readonly index: number;
  readonly coord_x: number;
  readonly coord_y: number;
  readonly tumor_patch: boolean;
  readonly center_tumor_patch: boolean;
  readonly wsi: string;
}

/**
 * The files of a split, to be taken in order: the later ones are not read before the earlier ones are.
 * @param options.images uint8, n x 96 x 96 x 3 in C order, in pieces of any size
 * @param options.labels n values, 0 or 1; `null` when there is no such file
 * @param options.rows n rows; `null` when there is no such file
 */
export function* upstreamFiles(options: {
  split: SplitName;
  count: number;
  images: Bytes;
  labels: Uint8Array | null;
  rows: Iterable<UpstreamRow> | null;
}): Generator<UpstreamFile, void, void> {
  const { split, count, images, labels, rows } = options;
  const x = { name: 'x', shape: [count, PATCH_SIZE, PATCH_SIZE, CHANNELS] };
  const file = (kind: Kind) => ({ name: upstreamName(split, kind), split, kind });
  yield { ...file('images'), gzip: true, array: x, content: hdf5File(x, images) };
  if (labels) {
    const y = { name: 'y', shape: [count, 1, 1, 1] };
    yield { ...file('labels'), gzip: true, array: y, content: hdf5File(y, [labels]) };
  }
  if (rows) yield { ...file('meta'), gzip: false, content: csv(rows) };
}

function* csv(rows: Iterable<UpstreamRow>): Generator<Uint8Array, void, void> {
  let block = [',coord_y,coord_x,tumor_patch,center_tumor_patch,wsi'];
  for (const row of rows) {
    const flags = [row.tumor_patch, row.center_tumor_patch];
    block.push([row.index, row.coord_y, row.coord_x, ...flags, row.wsi].map(csvField).join(','));
    if (block.length < BLOCK) continue;
    yield Buffer.from(`${block.join('\n')}\n`);
    block = [];
  }
  if (block.length > 0) yield Buffer.from(`${block.join('\n')}\n`);
}
