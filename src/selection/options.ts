/** Selection options: their meaning, their check, and the form in which an export records them. */
import { LIMITS, PcamError, requireWithin } from '../core/index.js';
import type { SplitName } from '../manifest/index.js';
import { type IndicesFile, readIndices } from './indices-file.js';

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

/** Checked options, with the file of indices read. */
export interface ResolvedSelection {
  readonly options: SelectionOptions;
  readonly file: IndicesFile | undefined;
}

/** A selection as an export's index has it: the options that decide, in a fixed order. */
export type SelectionRecord = Readonly<Omit<SelectionOptions, 'indices'>> & {
  readonly indices?: { readonly sha256: string };
};

/**
 * Checks the options, and reads the file of indices where there is one.
 * @param splits those of the run
 * @throws PcamError USAGE when an option is not usable
 */
export async function resolveSelection(
  options: SelectionOptions,
  splits: readonly SplitName[],
): Promise<ResolvedSelection> {
  const { label, slides, perClass, perSlide, sample, seed, indices } = options;
  for (const [name, value] of Object.entries({ perClass, perSlide, sample })) {
    if (value !== undefined) requireWithin(name, value, LIMITS.patches);
  }
  if (seed !== undefined) requireWithin('seed', seed, LIMITS.seed);
  if (label !== undefined && label !== 0 && label !== 1) {
    throw new PcamError('USAGE', `a label is 0 or 1, not ${label}`);
  }
  if (slides?.some((glob) => glob === '')) throw new PcamError('USAGE', 'a pattern of slide names is empty');
  if (indices === '') throw new PcamError('USAGE', 'the path of the indices file is empty');
  return { options, file: indices === undefined ? undefined : await readIndices(indices, splits) };
}

/** Whether a selection is anything but all patches in the order of the files. */
export function isSelective({ seed: _, ...rest }: SelectionOptions): boolean {
  return Object.values(rest).some((value) => value !== undefined && value !== false);
}

/** `undefined` when everything is selected in its order. Two records are equal when and only when the patches are. */
export function recordOf({ options, file }: ResolvedSelection): SelectionRecord | undefined {
  if (!isSelective(options)) return undefined;
  const { unique, label, slides, perClass, perSlide, sample, shuffle, seed = 0 } = options;
  const random = [perClass, perSlide, sample].some((n) => n !== undefined) || shuffle;
  const record = {
    unique: unique || undefined,
    label,
    slides: slides && [...new Set(slides)].sort(),
    indices: file && { sha256: file.sha256 },
    perSlide,
    perClass,
    sample,
    shuffle: shuffle || undefined,
    seed: random ? seed : undefined,
  };
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}

/** `label 1, 10 per slide`: for messages. */
export function describeSelection(options: SelectionOptions): string {
  const { unique, label, slides, indices, perSlide, perClass, sample } = options;
  const parts = [
    unique && 'unique',
    label !== undefined && `label ${label}`,
    slides && `slides ${slides.join(', ')}`,
    indices !== undefined && `indices of ${indices}`,
    perSlide !== undefined && `${perSlide} per slide`,
    perClass !== undefined && `${perClass} per class`,
    sample !== undefined && `a sample of ${sample}`,
  ];
  return parts.filter(Boolean).join(', ');
}
