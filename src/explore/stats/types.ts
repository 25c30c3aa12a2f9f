/** The figures of stats, as its JSON document has them. */
import type { SplitName } from '../../manifest/index.js';

/** Of pixel values 0 to 255, exact but for the last rounding. Red, green, blue. */
export interface Channels {
  readonly mean: readonly number[];
  /** Population standard deviation. */
  readonly std: readonly number[];
  /** How often a channel has each of the values 0 to 255. */
  readonly histogram: readonly (readonly number[])[];
}

/** The figures of each split, and of all of them together. `null` is what is unknown without labels. */
export interface Totals {
  readonly patches: number;
  readonly positive: number | null;
  readonly negative: number | null;
  /** Distinct pixel contents. */
  readonly unique: number;
  readonly channels: Channels;
}

export interface SlideCount {
  readonly wsi: string;
  readonly patches: number;
  readonly positive: number | null;
}

export interface Duplicates {
  /** Patches that repeat an earlier one of the split: `patches - unique`. */
  readonly extra: number;
  /** Contents that occur more than once, and the most copies of one. */
  readonly groups: number;
  readonly largest: number;
  /** Labels of the extra patches, and contents that carry both labels. */
  readonly positive: number | null;
  readonly negative: number | null;
  readonly conflicting: number | null;
}

export interface SplitStats extends Totals {
  readonly split: SplitName;
  /** `null` without the meta CSV. */
  readonly slides: number | null;
  /** Sorted by name. */
  readonly perSlide: readonly SlideCount[] | null;
  readonly duplicates: Duplicates;
  /** Patches of one colour. */
  readonly uniform: { readonly white: number; readonly black: number; readonly other: number };
}

/** What two splits have in common. */
export interface Shared {
  readonly splits: readonly [SplitName, SplitName];
  /** `null` without the meta CSV of both. */
  readonly slides: number | null;
  /** Distinct contents that occur in both. */
  readonly patches: number;
}

export interface StatsFinding {
  readonly level: 'info' | 'warning' | 'error';
  readonly code: string;
  readonly message: string;
}

export interface StatsResult {
  readonly ok: true;
  readonly splits: readonly SplitStats[];
  readonly all: Totals;
  readonly shared: readonly Shared[];
  readonly findings: readonly StatsFinding[];
}
