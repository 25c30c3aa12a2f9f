/** Options and result of an export. */
import type { OnEvent } from '../core/index.js';
import type { Manifest, SplitName } from '../manifest/index.js';
import type { SelectionOptions } from '../selection/index.js';
import type { Crop, FormatName, LayoutName, ShardIndex } from './formats/index.js';
import type { FileRecord, Part, ShardStatus } from './output/index.js';

export interface ExportOptions {
  /** The data set folder. @default 'pcam' */
  dir?: string;
  /** A manifest, or the path of one. @default the built-in one */
  manifest?: Manifest | string;
  format: FormatName;
  /** @default 'shards' */
  layout?: LayoutName;
  /** @default the splits whose images are in the folder */
  splits?: readonly SplitName[];
  /** The output folder. @default a name made of format, layout and crop, in the current folder */
  out?: string;
  /** Patches per shard. @default 2048, 20,480 for parquet and 16,384 for tfrecord */
  shardSize?: number;
  /** Write only every `of`-th shard, from the `index`-th on. @default all */
  part?: Part;
  /** Worker threads. @default the machine's cores, at most 8, and 4 for parquet */
  workers?: number;
  /** Export the centre 32 x 32 px, which decide the label. @default whole patches */
  crop?: Crop;
  /** Write an index beside each shard. @default none */
  index?: ShardIndex;
  /** Which patches, in which order. @default all of them, in the order of the files */
  selection?: SelectionOptions;
  /** Write the SHA-1 of each patch beside it, its id in Kaggle's version of the data. @default false */
  sha1?: boolean;
  /** Start over when the folder holds an export with other options or of other input. @default false */
  force?: boolean;
  signal?: AbortSignal;
  onEvent?: OnEvent;
}

/** Options with their folder and manifest found. */
export type ResolvedOptions = ExportOptions & { dir: string; manifest: Manifest };

export interface ExportResult {
  ok: true;
  format: FormatName;
  out: string;
  /** Patches of this run's shards. */
  patches: number;
  /** This run's shards; with `part`, the other jobs' are not among them. */
  /** Bytes of what was written: of a folder of images, those of the images, not of the lists. */
  contentBytes: number;
  shards: (Pick<FileRecord, 'file' | 'split' | 'patches' | 'bytes' | 'sha256'> & { status: ShardStatus })[];
}
