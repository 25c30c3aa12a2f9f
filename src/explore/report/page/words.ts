/** Numbers and names as the page writes them. */
import { formatInteger } from '../../../core/index.js';
import type { SplitName } from '../../../manifest/index.js';

const LETTERS: Record<SplitName, string> = { train: 'Train', valid: 'Valid', test: 'Test' };

export function splitTitle(split: SplitName): string {
  return LETTERS[split];
}

/** `262,144`; a dash for what is unknown. */
export function integer(value: number | null): string {
  return value === null ? '–' : formatInteger(value);
}

/** `49.98 %`, of a whole. */
export function share(part: number | null, whole: number, digits = 1): string {
  if (part === null || whole === 0) return '–';
  const percent = (100 * part) / whole;
  // Little is not nothing, and nearly all is not all.
  const least = 10 ** -digits;
  if (part > 0 && percent < least) return `< ${least}\u00a0%`;
  if (part < whole && percent > 100 - least) return `> ${100 - least}\u00a0%`;
  return `${percent.toFixed(digits)}\u00a0%`;
}

export function decimal(value: number, digits = 2): string {
  return value.toFixed(digits);
}

/** `1 slide`, `3 slides`. */
export function plural(n: number, noun: string): string {
  return `${integer(n)} ${noun}${n === 1 ? '' : noun.endsWith('patch') ? 'es' : noun.endsWith('copy') ? '' : 's'}`;
}

/** `train, valid and test`. */
export function listOf(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** A slide's name without what all slides of Camelyon16 begin with. */
export function shortSlide(wsi: string): string {
  return wsi.replace(/^camelyon16_(train_)?/, '').replaceAll('_', ' ');
}

/** `Tumor`, `normal`, or unknown. */
export function labelWord(label: 0 | 1 | null): string {
  return label === null ? 'label unknown' : label === 1 ? 'positive' : 'negative';
}
