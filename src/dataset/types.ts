/** What a reader of the data set sees: splits, patches, labels and meta rows. */
import type { SplitName } from '../manifest/index.js';

/** Most patches of one split that pcam opens. PCam's largest has 262,144. */
export const MAX_PATCHES = 2 ** 26;

/** One row of a meta CSV; it is at the index of its patch. */
export interface MetaRow {
  /** The slide (whole-slide image) that the patch was cut from, such as `camelyon16_train_tumor_033`. */
  readonly wsi: string;
  /** Position of the patch on the slide, in px of level 0. */
  readonly coord_x: number;
  readonly coord_y: number;
  /** Tumor tissue anywhere in the patch. */
  readonly tumor_patch: boolean;
  /** Tumor tissue in the centre 32 x 32 px: what the label says. */
  readonly center_tumor_patch: boolean;
}

/** The meta CSV of a split, held in columns (some 11 bytes a row). */
export interface MetaTable {
  readonly rows: number;
  /** The different slides, in the order of their first row. */
  readonly slides: readonly string[];
  /** @throws RangeError when `index` is not in 0 .. rows - 1 */
  row(index: number): MetaRow;
}

/** Some patches of a split, one after the other. */
export interface Batch {
  /** Index in the split of the first patch. */
  readonly start: number;
  /** Number of patches n. */
  readonly count: number;
  /** uint8, shape (n, 96, 96, 3), C order. */
  readonly images: Uint8Array;
  /** Shape (n), values 0 or 1. */
  readonly labels: Uint8Array;
  /** n rows, or `null` when the meta CSV is not in the folder. */
  readonly meta: readonly MetaRow[] | null;
}

export interface BatchOptions {
  /** Patches a batch; the last one may have fewer. @default 256 */
  readonly size?: number;
  /** First patch. @default 0 */
  readonly start?: number;
  /** The patch to stop before. @default the number of patches */
  readonly end?: number;
  readonly signal?: AbortSignal;
}

/** One split, opened. Images stay on the disk; labels (1 byte a patch) and meta columns are in memory. */
export interface Split {
  readonly name: SplitName;
  /** Number of patches. */
  readonly count: number;
  /** Shape (count), values 0 or 1. */
  readonly labels: Uint8Array;
  /** `null` when the meta CSV is not in the folder. */
  readonly meta: MetaTable | null;
  /**
   * Patches `start` (inclusive) to `end` (exclusive): uint8, shape (end - start, 96, 96, 3), C order.
   * Holds only that batch in memory, 1 GiB (38,836 patches) at most.
   * @throws RangeError when the range is not in the split or too large; PcamError BAD_HDF5
   */
  readPatches(start: number, end: number): Uint8Array;
  /**
   * The split in batches, in order.
   * @throws PcamError USAGE, BAD_HDF5, ABORTED
   */
  batches(options?: BatchOptions): AsyncGenerator<Batch, void, void>;
  close(): void;
}

/** A data set folder. */
export interface Dataset {
  readonly dir: string;
  /** The splits whose images and labels are in the folder. */
  readonly splits: readonly SplitName[];
  /**
   * Opens a split; the same one again when it is open already.
   * @throws PcamError MISSING, BAD_HDF5, BAD_CSV, BAD_DATA
   */
  split(name: SplitName): Promise<Split>;
  /** Closes every split that was opened. */
  close(): void;
}
