/** The names by which a row of a scores file says which patch it is of. */
import { SPLITS, type SplitName } from '../../manifest/index.js';

export type PatchName =
  | { readonly split: SplitName; readonly index: number }
  /** 40 lower-case hex digits: the SHA-1 of the pixels, as in Kaggle's version of the data. */
  | { readonly sha1: string };

const SPLIT_WORDS = new Map<string, SplitName>([
  ...SPLITS.map((split) => [split, split] as const),
  ['val', 'valid'],
  ['validation', 'valid'],
]);

export function parseSplit(text: string): SplitName | undefined {
  return SPLIT_WORDS.get(text.trim().toLowerCase());
}

/** A key of pcam or a SHA-1, with a folder before it and an extension after it: `images/test_000017.png`. */
export function parsePatchName(text: string): PatchName | undefined {
  const name = text
    .trim()
    .replace(/^.*[\\/]/, '')
    .replace(/\..*$/s, '')
    .toLowerCase();
  if (/^[0-9a-f]{40}$/.test(name)) return { sha1: name };
  const [, word, number] = /^([a-z]+)_(\d{1,9})$/.exec(name) ?? [];
  const split = word === undefined ? undefined : SPLIT_WORDS.get(word);
  return split && { split, index: Number(number) };
}
