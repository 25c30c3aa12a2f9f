/** What a reader of the data set sees: splits, patches, labels and meta rows. */
import type { SplitName } from '../types.js';

/** Height and width of a patch in px, and its channels (RGB, uint8). */
export const PATCH_SIZE = 96;
export const CHANNELS = 3;
export const PATCH_BYTES = PATCH_SIZE * PATCH_SIZE * CHANNELS;

/** One row of a meta CSV; it stands at the index of its patch. */
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

/** The meta CSV of a split, held in columns (some 14 bytes a row). */
export interface MetaTable {
  readonly rows: number;
  /** @throws RangeError when `index` is not in 0 .. rows - 1 */
  row(index: number): MetaRow;
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
   * Holds only that batch in memory.
   */
  readPatches(start: number, end: number): Uint8Array;
  close(): void;
}
