/** Selection options: whether they can be met at all, and the form in which an export records them. */
import { LIMITS, PcamError, requireWithin } from '../core/index.js';
import type { IndicesFile } from './indices-file.js';
import type { SelectionOptions } from './types.js';

/** A selection as an export's index has it: the options that decide, in a fixed order. */
export type SelectionRecord = Readonly<Record<string, unknown>>;

/** @throws PcamError USAGE when a number is not usable */
export function checkOptions({
  label,
  slides,
  perClass,
  perSlide,
  sample,
  seed,
  indices,
}: SelectionOptions): void {
  for (const [name, value] of Object.entries({ perClass, perSlide, sample })) {
    if (value !== undefined) requireWithin(name, value, LIMITS.patches);
  }
  if (seed !== undefined) requireWithin('seed', seed, LIMITS.seed);
  if (label !== undefined && label !== 0 && label !== 1) {
    throw new PcamError('USAGE', `a label is 0 or 1, not ${label}`);
  }
  if (slides?.some((glob) => glob === '')) throw new PcamError('USAGE', 'a pattern of slide names is empty');
  if (indices === '') throw new PcamError('USAGE', 'the path of the indices file is empty');
}

/** Whether anything is asked for but all patches in the order of the files. */
export function isSelective({ seed: _, ...rest }: SelectionOptions): boolean {
  return Object.values(rest).some((value) => value !== undefined && value !== false);
}

/** `undefined` when everything is selected in its order. Two records are equal when and only when the patches are. */
export function recordOf(
  selection: SelectionOptions,
  file: IndicesFile | undefined,
): SelectionRecord | undefined {
  if (!isSelective(selection)) return undefined;
  const { unique, label, slides, perClass, perSlide, sample, shuffle, seed = 0 } = selection;
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
export function describe({
  unique,
  label,
  slides,
  indices,
  perSlide,
  perClass,
  sample,
}: SelectionOptions): string {
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
