/** What an export format is: how it lays out a split in shards, and how it writes one. */
import type { MetaTable } from '../../dataset/index.js';
import type { SplitName } from '../../manifest/index.js';
import type { SelectionRecord } from '../../selection/index.js';
import type { FileSink } from '../encode/index.js';

export type FormatName = 'png' | 'raw' | 'parquet' | 'tfrecord' | 'clip-benchmark' | 'vtab-1k';
export const LAYOUTS = ['shards', 'folder'] as const;
export type LayoutName = (typeof LAYOUTS)[number];
export const CROPS = ['center32'] as const;
export type Crop = (typeof CROPS)[number];
export const SHARD_INDEXES = ['dali'] as const;
export type ShardIndex = (typeof SHARD_INDEXES)[number];
export const ORDERS = ['tfds', 'file'] as const;
export type Order = (typeof ORDERS)[number];

/** What decides the bytes of an export, beside its input; it is part of the export's index. */
export interface Recipe {
  readonly dataset: string;
  readonly format: FormatName;
  readonly layout: LayoutName;
  /** Counts up when a version of pcam writes other bytes for the same options. */
  readonly revision: number;
  /** Patches per shard; `null` where the layout has one file per split. */
  readonly shardSize: number | null;
  readonly crop: Crop | null;
  readonly index: ShardIndex | null;
  /** TFDS's own order; absent where it is that of the file or of the selection. */
  readonly order?: 'tfds';
  /** Which patches, in which order; absent when it is all of them in their order. */
  readonly selection?: SelectionRecord;
  /** Whether each patch has its SHA-1 beside it; absent when not. */
  readonly sha1?: true;
}

/** What a format has to know of a split to lay out its shards. */
export interface SplitSummary {
  readonly split: SplitName;
  /** Patches that are exported: all of the split, or those that were selected. */
  readonly patches: number;
}

/** The files that are written in one go by one worker, and the patches that they hold. */
export interface ShardTask {
  readonly split: SplitName;
  /** First patch, and the patch to stop before: places in the order of the export. */
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

/** Some patches on their way into a shard, cropped as asked. */
export interface PatchBatch {
  readonly count: number;
  /** Index in the split of each patch. */
  readonly indices: Uint32Array;
  /** uint8, shape (count, side, side, 3), C order. */
  readonly pixels: Uint8Array;
  /** SHA-1 of the pixels of each whole patch, in hex, where the recipe has them. */
  readonly sha1: readonly string[] | null;
}

/** The input of one shard. */
export interface ShardSource {
  /** Height and width in px of what is exported: 96, or 32 of a crop. */
  readonly side: number;
  /** Labels of the whole split, 0 or 1. */
  readonly labels: Uint8Array;
  /** Meta rows of the whole split, or `null`. */
  readonly meta: MetaTable | null;
  /** Indices of the selected patches of the split, in order; `null` when it is all of them in their order. */
  readonly order: Uint32Array | null;
  /**
   * Patches in order: those of the task, or of a range of the split. Stops with an error when the export is aborted.
   */
  batches(size: number, range?: { start: number; end: number }): Iterable<PatchBatch>;
}

/** Where the files of one shard go. They get their names together, when all are whole. */
export interface ShardOutput {
  /** Opens a file of the task. */
  create(file: string): FileSink;
  /** Writes a small file beside those of the task, to be listed in one of them. @returns its SHA-256 */
  loose(file: string, bytes: Uint8Array): string;
}

/** A file of a finished export. */
export interface ShardRecord {
  readonly file: string;
  readonly split: SplitName;
  readonly patches: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** A small file that describes a finished export. */
export interface Description {
  readonly file: string;
  /** @param earlier what is there now, to which a reader's own tools may have added something */
  text(earlier: string | undefined): string;
}

/** A whole export: what it was made with, and every file of it. */
export interface FinishRequest {
  readonly recipe: Recipe;
  readonly splits: readonly SplitSummary[];
  readonly records: ReadonlyMap<string, ShardRecord>;
  /** Whether every patch has a meta row. */
  readonly meta: boolean;
  /** Labels of the patches of a split in the order of the export. */
  labels(split: SplitName): Uint8Array;
}

/** A format in one layout: one file in this folder and one line in the registry. */
export interface ExportFormat {
  readonly format: FormatName;
  readonly layout: LayoutName;
  readonly revision: number;
  /** One line for help and the README. */
  readonly summary: string;
  /** Indexes that it can write beside its shards. @default none */
  readonly indexes?: readonly ShardIndex[];
  /** Whether the order can be chosen, which is TFDS's by default. @default false */
  readonly ordered?: boolean;
  /** A fixed set of patches of all splits: neither splits nor patches can be chosen. @default false */
  readonly fixed?: boolean;
  /** Whether it has a place for the SHA-1 of each patch. @default false */
  readonly sha1?: boolean;
  /** Patches per shard by default; `null` when a split is always one shard. */
  readonly shardSize: number | null;
  /** Most threads by default: this many stay under 500 MB of memory. */
  readonly workers: number;
  /** Estimated bytes on the disk for one patch, slightly too many rather than too few. */
  bytesPerPatch(request: { split: SplitName; side: number; blockSize: number }): number;
  /** Takes patches of a split, and puts them in order. @default all that are selected, as they are */
  arrange?(request: { split: SplitName; recipe: Recipe; indices: Uint32Array }): Uint32Array;
  /** @throws PcamError USAGE when readers of the format would take these labels of a split for others */
  requireLabels?(request: { split: SplitName; labels: Uint8Array }): void;
  /** All shards of a split, in order. */
  plan(request: { split: SplitSummary; recipe: Recipe }): ShardTask[];
  /** Writes one shard, in a worker. Never holds more of it in memory than a few batches. */
  write(request: {
    task: ShardTask;
    recipe: Recipe;
    source: ShardSource;
    output: ShardOutput;
  }): void | Promise<void>;
  /** Small files that describe the finished export, for people and readers, written last. */
  finish?(request: FinishRequest): Description[];
}
