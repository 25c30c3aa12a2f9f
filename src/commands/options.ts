/** Option values, from what people type to what the library takes, and the options that several commands share. */
import { existsSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { describeLimit, LIMITS, type Limit, nearest, withinLimit } from '../core/index.js';
import { KINDS, type Kind, SPLITS, type SplitName } from '../manifest/index.js';
import type { SelectionOptions } from '../selection/index.js';
import { PROGRESS_MODES } from './context.js';

const SPLIT_WORDS: Record<string, readonly SplitName[]> = {
  val: ['valid'],
  validation: ['valid'],
  all: SPLITS,
};
const KIND_WORDS: Record<string, readonly Kind[]> = {
  x: ['images'],
  y: ['labels'],
  image: ['images'],
  label: ['labels'],
};

/** `--option a,b --option c`: commas or repeats. */
export function list(value: string, previous: string[] = []): string[] {
  const items = value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  if (items.length === 0) throw new InvalidArgumentError('It is empty.');
  return [...previous, ...items];
}

/** A list of files and folders. A name that has a comma in it and exists is one of them. */
export function places(value: string, previous: string[] = []): string[] {
  return existsSync(value) ? [...previous, value] : list(value, previous);
}

/** A list of globs. The command prompt of Windows leaves single quotes around them. */
function globs(value: string, previous: string[] = []): string[] {
  return list(value.replace(/^'(.*)'$/, '$1'), previous);
}

/** What shell completion needs to know of a parser: the words that it takes, and whether it takes a list of them. */
export interface Words {
  readonly words: readonly string[];
  readonly list: boolean;
}

export const splits = someOf(SPLITS, SPLIT_WORDS);
export const kinds = someOf(KINDS, KIND_WORDS);

function someOf<T extends string>(allowed: readonly T[], words: Record<string, readonly T[]>) {
  const parse = (value: string, previous: readonly T[] = []): T[] => {
    const named = list(value).flatMap((word) => {
      const lower = word.toLowerCase();
      return Object.hasOwn(words, lower) ? words[lower]! : [oneOf(word, allowed, Object.keys(words))];
    });
    return [...new Set([...previous, ...named])];
  };
  return Object.assign(parse, { words: allowed, list: true } satisfies Words);
}

/** @param others words that are suggested, too */
function oneOf<T extends string>(word: string, allowed: readonly T[], others: readonly string[] = []): T {
  const lower = word.toLowerCase();
  const known = allowed.find((candidate) => candidate === lower);
  if (known) return known;
  // With one word allowed there is nothing to suggest that the message has not said.
  const near = allowed.length > 1 ? nearest(lower, [...allowed, ...others]) : undefined;
  throw new InvalidArgumentError(`Allowed are ${allowed.join(', ')}.${near ? ` Did you mean ${near}?` : ''}`);
}

/**
 * One of some words.
 * @param words other words for them
 * @param refusals what to say about a word that people try and that is not allowed
 */
export function choice<T extends string>(
  allowed: readonly T[],
  { words = {}, refusals = {} }: { words?: Record<string, T>; refusals?: Record<string, string> } = {},
): ((value: string) => T) & Words {
  const parse = (value: string) => {
    const lower = value.toLowerCase();
    if (Object.hasOwn(refusals, lower)) throw new InvalidArgumentError(refusals[lower]!);
    return Object.hasOwn(words, lower) ? words[lower]! : oneOf(value, allowed, Object.keys(words));
  };
  return Object.assign(parse, { words: allowed, list: false } satisfies Words);
}

/** One split. */
export const oneSplit = choice(SPLITS, { words: { val: 'valid', validation: 'valid' } });

/** A whole number within a limit. */
export function whole(limit: Limit): (value: string) => number {
  return (value) => {
    const n = Number(value);
    if (!/^\d+$/.test(value) || !withinLimit(n, limit)) {
      throw new InvalidArgumentError(`It must be ${describeLimit(limit)}.`);
    }
    return n;
  };
}

/** `2/4`: the second of four jobs. */
export function part(value: string): { index: number; of: number } {
  const [, index, of] = (/^(\d{1,6})\/(\d{1,6})$/.exec(value) ?? []).map(Number);
  if (!index || !of || index > of) {
    throw new InvalidArgumentError('It must be I/N, such as 2/4 for the second of four jobs, I from 1 to N.');
  }
  return { index, of };
}

const UNITS: Record<string, number> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
};

/** Bytes per second: `500k`, `2M`, `1.5MiB`. */
export function rate(value: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmg]i?)?(?:b?(?:\/s)?)$/i.exec(value.trim());
  const bytes = match ? Number(match[1]) * UNITS[(match[2] ?? '').toLowerCase()]! : 0;
  if (!(bytes >= 1))
    throw new InvalidArgumentError('It must be a speed in bytes per second, such as 500k or 2M.');
  return bytes;
}

/** `--split` and `--kind`, on every command that takes a choice of files. */
export function addFileOptions(command: Command): Command {
  return addSplitOption(command, 'all').option(
    '--kind <names>',
    'images (or x), labels (or y), meta (slides and positions; default: all)',
    kinds,
  );
}

/** @param unsaid which splits are meant without the option */
export function addSplitOption(command: Command, unsaid = 'those in the folder'): Command {
  return command.option('--split <names>', `train, valid, test, all (default: ${unsaid})`, splits);
}

/** How a command that takes long reports its progress and its result. */
export function addOutputOptions(command: Command): Command {
  return command
    .option('--json', 'print one JSON document on stdout')
    .option(
      '--progress <how>',
      `${PROGRESS_MODES.join(', ')}: how progress is shown on stderr (default: auto)`,
      choice(PROGRESS_MODES),
    )
    .option('--quiet', 'no progress and no messages, only errors');
}

/** What commander makes of them. */
export type PatchOptions = Omit<SelectionOptions, 'label'> & { label?: '0' | '1' };

/** Adds the options of a selection. They combine: filters first, then sampling, then the order. */
export function addPatchOptions(command: Command): Command {
  return command
    .option('--unique', 'only the first of pixel-identical patches of a split')
    .option('--label <0|1>', 'only patches with this label: 1 has tumor in its centre', choice(['0', '1']))
    .option(
      '--slides <globs>',
      "only patches of these slides, such as '*tumor_0?3*', quoted (needs the meta CSV)",
      globs,
    )
    .option('--per-class <n>', 'n random patches of each class of each split', whole(LIMITS.patches))
    .option(
      '--per-slide <n>',
      'at most n random patches per slide (needs the meta CSV)',
      whole(LIMITS.patches),
    )
    .option('--sample <n>', 'n random patches per split', whole(LIMITS.patches))
    .option('--indices <file>', 'only the patches in this file: one index, or split,index, per line')
    .option('--shuffle', 'in a random order (default: in the order of the file)')
    .option('--seed <n>', 'the same seed gives the same patches and order (default: 0)', whole(LIMITS.seed));
}

/** The selection that those options ask for. */
export function selectionOf(options: PatchOptions): SelectionOptions {
  const { unique, label, slides, perClass, perSlide, sample, indices, shuffle, seed } = options;
  return {
    unique,
    label: label === undefined ? undefined : label === '1' ? 1 : 0,
    slides,
    perClass,
    perSlide,
    sample,
    indices,
    shuffle,
    seed,
  };
}
