/** What an export format is, and what goes in and out of an export. */
import type { MetaTable } from '../dataset/types.js';
import type { ErrorCode } from '../errors.js';
import type { DatasetFile, Kind, Manifest, SplitName } from '../types.js';

export type FormatName = 'png' | 'raw' | 'parquet';
export const LAYOUTS = ['shards', 'folder'] as const;
export type LayoutName = (typeof LAYOUTS)[number];
export const CROPS = ['center32'] as const;
export type Crop = (typeof CROPS)[number];
export const SHARD_INDEXES = ['dali'] as const;
export type ShardIndex = (typeof SHARD_INDEXES)[number];

/** `index` (from 1) of `of` jobs that share the work. */
export interface Part {
  readonly index: number;
  readonly of: number;
}

/** What decides the bytes of an export, beside its input; it stands in the export's index. */
export interface Recipe {
  readonly dataset: string;
  readonly format: FormatName;
  readonly layout: LayoutName;
  /** Counts up when a version of pcam writes other bytes for the same options. */
  readonly revision: number;
  /** Patches a shard; `null` where the layout has one file a split. */
  readonly shardSize: number | null;
  readonly crop: Crop | null;
  readonly index: ShardIndex | null;
}

/** What a format has to know of a split to lay out its shards. */
export interface SplitSummary {
  readonly split: SplitName;
  readonly patches: number;
}

/** The files that are written in one go by one worker, and the patches that they hold. */
export interface ShardTask {
  readonly split: SplitName;
  /** First patch, and the patch to stop before. */
  readonly start: number;
  readonly end: number;
  /** This shard's number from 0, and the shards of the split. */
  readonly number: number;
  readonly of: number;
  /** Final names below the output folder, with forward slashes. The main one first. */
  readonly files: readonly TaskFile[];
}

export interface TaskFile {
  readonly file: string;
  /** A side file (an index, a table) belongs to shards and is not one. */
  readonly side?: boolean;
}

/** A file that was written. */
export interface FileRecord {
  readonly file: string;
  readonly split: SplitName;
  readonly side?: boolean;
  /** First patch in it, and how many. */
  readonly start: number;
  readonly patches: number;
  readonly bytes: number;
  readonly sha256: string;
  /** Set when the file lists others with their SHA-256: how many, and their bytes together. */
  readonly contents?: { readonly files: number; readonly bytes: number };
}

/** Some patches on their way into a shard, cropped as asked. */
export interface PatchBatch {
  /** Index in the split of the first patch. */
  readonly start: number;
  readonly count: number;
  /** uint8, shape (count, side, side, 3), C order. */
  readonly pixels: Uint8Array;
}

/** The input of one shard. */
export interface ShardSource {
  /** Height and width in px of what is exported: 96, or 32 of a crop. */
  readonly side: number;
  /** Labels of the whole split, 0 or 1. */
  readonly labels: Uint8Array;
  /** Meta rows of the whole split, or `null`. */
  readonly meta: MetaTable | null;
  /** The patches of the task in order; stops with an error when the export is aborted. */
  batches(size: number): Iterable<PatchBatch>;
}

/** A file under a temporary name; it is hashed on its way. */
export interface FileSink {
  /** Bytes written so far. */
  readonly position: number;
  /** Takes a copy. @throws PcamError DISK_FULL, NO_PERMISSION or IO */
  write(bytes: Uint8Array): void;
}

/** Where the files of one shard go. They get their names together, when all are whole. */
export interface ShardOutput {
  /** Opens a file of the task. */
  create(file: string): FileSink;
  /** Writes a small file beside those of the task, to be listed in one of them. @returns its SHA-256 */
  loose(file: string, bytes: Uint8Array): string;
}

/** A format in one layout: one file in this folder and one line in the registry. */
export interface ExportFormat {
  readonly format: FormatName;
  readonly layout: LayoutName;
  readonly revision: number;
  /** One line for help and the README. */
  readonly summary: string;
  /** Indexes that it can write beside its shards. */
  readonly indexes: readonly ShardIndex[];
  /** Patches a shard unless told; `null` when a split is always one shard. */
  readonly shardSize: number | null;
  /** Most threads unless told: so many stay under 500 MB of memory. */
  readonly workers: number;
  /** Estimated bytes on the disk for one patch, slightly too many rather than too few. */
  bytesPerPatch(request: { side: number; blockSize: number }): number;
  /** All shards of a split, in order. */
  plan(request: { split: SplitSummary; recipe: Recipe }): ShardTask[];
  /** Writes one shard, in a worker. Never holds more of it in memory than a few batches. */
  write(request: {
    task: ShardTask;
    recipe: Recipe;
    source: ShardSource;
    output: ShardOutput;
  }): void | Promise<void>;
  /** Small files for people that describe the finished export, written last. */
  finish?(request: { recipe: Recipe; splits: readonly SplitSummary[] }): { file: string; text: string }[];
}

/** A file of the data set that an export was made from. */
export interface InputFile {
  readonly file: string;
  readonly split: SplitName;
  readonly kind: Kind;
  readonly md5: string;
}

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

export type ShardStatus = 'written' | 'present';

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
  /** Patches a shard. @default 2048, and 20,480 for parquet */
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

/** An error on its way between threads. */
export interface PlainError {
  code: ErrorCode;
  message: string;
  hint?: string;
  expected?: string;
  found?: string;
}
