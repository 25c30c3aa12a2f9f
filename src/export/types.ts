/** Options, events and result of an export. */
import type { DatasetFile, Manifest, SplitName } from '../manifest/index.js';
import type { Crop, FormatName, LayoutName, ShardIndex, SplitSummary } from './formats/index.js';
import type { FileRecord, Part, ShardStatus } from './output/index.js';

/**
 * The MD5 of each of `files` (entries of the manifest) in `dir` by final name, once it is known to be the
 * manifest's.
 * @throws PcamError MISSING or NOT_VERIFIED
 */
export type InputDigests = (request: {
  dir: string;
  manifest: Manifest;
  files: readonly DatasetFile[];
  signal?: AbortSignal;
  onProgress?: (file: string, read: number, of: number) => void;
}) => Promise<ReadonlyMap<string, string>>;

export type ExportEvent =
  /** An input file is read to find out whether it is the data set's own. */
  | { type: 'checking'; file: string; read: number; of: number }
  /** What this run is responsible for. */
  | { type: 'plan'; out: string; splits: readonly SplitSummary[]; shards: number; workers: number }
  /** Patches of a split that are done, `of` those of this run, `bytesPerPatch` of pixels each. */
  | { type: 'progress'; split: SplitName; patches: number; of: number; bytesPerPatch: number }
  /** A shard has its name. */
  | { type: 'shard'; file: string; status: ShardStatus; bytes: number };

export interface ExportOptions {
  /** The data set folder. @default 'pcam' */
  dir?: string;
  /** A manifest, or the path of one. @default the built-in one */
  manifest?: Manifest | string;
  format: FormatName;
  /** @default 'shards' */
  layout?: LayoutName;
  /** @default the splits of the manifest */
  splits?: readonly SplitName[];
  /** The output folder. @default a name made of format, layout and crop, in the current folder */
  out?: string;
  /** Patches a shard. @default 2048, 20,480 for parquet and 16,384 for tfrecord */
  shardSize?: number;
  /** Write only every `of`-th shard, from the `index`-th on. @default all */
  part?: Part;
  /** Worker threads. @default the machine's cores, at most 8, and 4 for parquet */
  workers?: number;
  /** Export the centre 32 x 32 px, which decide the label. @default whole patches */
  crop?: Crop;
  /** Write an index beside each shard. @default none */
  index?: ShardIndex;
  /** Start over when the folder holds an export with other options or of other input. @default false */
  force?: boolean;
  signal?: AbortSignal;
  onEvent?: (event: ExportEvent) => void;
  /** How input is verified. @default every file is read */
  inputDigests?: InputDigests;
}

/** Options with their folder and manifest found. */
export type FoundOptions = ExportOptions & { dir: string; manifest: Manifest };

export interface ExportResult {
  ok: true;
  format: FormatName;
  out: string;
  /** Patches of this run's shards. */
  patches: number;
  /** This run's shards; with `part`, the other jobs' are not among them. */
  shards: (Pick<FileRecord, 'file' | 'split' | 'patches' | 'bytes' | 'sha256'> & { status: ShardStatus })[];
}
