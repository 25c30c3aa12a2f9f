/** Which patches are wanted, and which ones that are. */
import type { SplitName } from '../manifest/index.js';

/**
 * Filters come first (`unique`, `label`, `slides`, `indices`: a patch has to pass all of them), then sampling
 * (`perSlide`, then `perClass`, then `sample`), then the order. Everything is per split.
 */
export interface SelectionOptions {
  /** Only the first of pixel-identical patches of a split. @default false */
  unique?: boolean;
  /** Only patches with this label. */
  label?: 0 | 1;
  /** Only patches of the slides that one of these patterns matches: `*`, `?` and `[abc]`. Needs the meta CSV. */
  slides?: readonly string[];
  /** This many random patches of each class. */
  perClass?: number;
  /** At most this many random patches of each slide. Needs the meta CSV. */
  perSlide?: number;
  /** This many random patches of each split. */
  sample?: number;
  /** Path of a text file with an index, or `split,index`, per line: only these patches. */
  indices?: string;
  /** In a random order. @default in the order of the data set's files */
  shuffle?: boolean;
  /** The same seed gives the same patches in the same order on every machine. @default 0 */
  seed?: number;
}

/** The selected patches of one split. */
export interface PatchSelection {
  readonly split: SplitName;
  /** Their indices in the split, in the order in which they are to be taken. */
  readonly indices: Uint32Array;
  /** All patches of the split, in the order of its file. */
  readonly whole: boolean;
}
