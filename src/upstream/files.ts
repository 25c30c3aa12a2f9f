/** The three files of a split under their upstream names, as streams of bytes, and what a manifest says of them. */
import { CHANNELS, PATCH_SIZE } from '../core/index.js';
import { csvField } from '../export/encode/index.js';
import type { Kind, SplitName } from '../manifest/index.js';
import { type ArrayPlan, hdf5File } from './hdf5-writer.js';
import type { Bytes, TemporaryFile } from './temporary-file.js';

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

/** Lines of CSV that are written at once. */
const BLOCK_LINES = 1024;

const ENDINGS: Record<Kind, string> = { images: '_x.h5', labels: '_y.h5', meta: '_meta.csv' };

/** Name of a decompressed file. */
export function upstreamName(split: SplitName, kind: Kind): string {
  return `camelyonpatch_level_2_split_${split}${ENDINGS[kind]}`;
}

/** Name under which a file is served: upstream compresses images and labels. */
export function servedName({ name, gzip }: Pick<UpstreamFile, 'name' | 'gzip'>): string {
  return gzip ? `${name}.gz` : name;
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

/** The patches of a split as its three files have them. */
export interface SplitContent {
  readonly split: SplitName;
  readonly count: number;
  /** uint8, count x 96 x 96 x 3 in C order, in pieces of whole patches. */
  readonly images: Iterable<Uint8Array>;
  /** Shape (count), values 0 or 1. */
  readonly labels: Uint8Array;
  /** One per patch; `null` when there is no such file. */
  readonly rows: Iterable<UpstreamRow> | null;
}

/** The files of a split, to be taken in order: the later ones are not read before the earlier ones are. */
export function* upstreamFiles(content: SplitContent): Generator<UpstreamFile, void, void> {
  const { split, count, images, labels, rows } = content;
  const x = { name: 'x', shape: [count, PATCH_SIZE, PATCH_SIZE, CHANNELS] };
  const file = (kind: Kind) => ({ name: upstreamName(split, kind), split, kind });
  yield { ...file('images'), gzip: true, array: x, content: hdf5File(x, images) };
  const y = { name: 'y', shape: [count, 1, 1, 1] };
  yield { ...file('labels'), gzip: true, array: y, content: hdf5File(y, [labels]) };
  if (rows) yield { ...file('meta'), gzip: false, content: csv(rows) };
}

function* csv(rows: Iterable<UpstreamRow>): Generator<Uint8Array, void, void> {
  let block = [',coord_y,coord_x,tumor_patch,center_tumor_patch,wsi'];
  for (const row of rows) {
    const flags = [row.tumor_patch, row.center_tumor_patch];
    block.push([row.index, row.coord_y, row.coord_x, ...flags, row.wsi].map(csvField).join(','));
    if (block.length < BLOCK_LINES) continue;
    yield Buffer.from(`${block.join('\n')}\n`);
    block = [];
  }
  if (block.length > 0) yield Buffer.from(`${block.join('\n')}\n`);
}

/**
 * The entry of a manifest, in the order of the schema.
 * @param options.file what was written, compressed where `upstream` says so
 * @param options.fields further fields, such as `gdriveId`, by the name under which the file is served
 */
export function manifestEntry(options: {
  upstream: Omit<UpstreamFile, 'content'>;
  file: TemporaryFile;
  fields?: (name: string) => object;
}): object {
  const { upstream, file, fields } = options;
  const { name, split, kind, gzip, array } = upstream;
  const served = servedName(upstream);
  return {
    ...{ name: served, split, kind },
    ...{ bytes: file.bytes, md5: file.md5, sha256: file.sha256 },
    ...fields?.(served),
    ...(gzip && { extracted: { name, ...file.plain } }),
    ...(array && { array: { path: array.name, shape: array.shape } }),
  };
}
