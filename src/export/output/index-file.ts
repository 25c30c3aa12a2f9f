/**
 * `index.json`: the recipe and input of an export, and every file of it with its digest. While an export is being
 * written, each finished shard has a record of its own: an index of that shard alone.
 */
import { PcamError, printable } from '../../core/index.js';
import { isRecord, isSize, SPLITS, type SplitName } from '../../manifest/index.js';
import type { InputFile } from '../../verified/index.js';
import type { Recipe, ShardRecord, SplitSummary } from '../formats/index.js';

export const INDEX_FILE = 'index.json';
const SCHEMA_VERSION = 1;

/** A file that was written. */
export interface FileRecord extends ShardRecord {
  readonly side?: boolean;
  /** First patch in it. */
  readonly start: number;
  /** Of a list of files with their SHA-256: how many files, and their bytes together. */
  readonly contents?: { readonly files: number; readonly bytes: number };
}

/** Recipe and input: two exports with the same header have the same bytes. */
export interface ExportHeader {
  readonly recipe: Recipe;
  readonly splits: readonly SplitSummary[];
  readonly inputs: readonly InputFile[];
}

export interface ExportIndex extends ExportHeader {
  readonly records: ReadonlyMap<string, FileRecord>;
}

/** The header of an export of these splits alone. */
export function headerOf(
  { recipe, splits, inputs }: ExportHeader,
  wanted: readonly SplitName[],
): ExportHeader {
  const isWanted = ({ split }: { split: SplitName }) => wanted.includes(split);
  return { recipe, splits: splits.filter(isWanted), inputs: inputs.filter(isWanted) };
}

/** The text of an index. It depends on the content alone, not on the order in which the files were written. */
export function renderIndex(index: ExportIndex): string {
  const { recipe, splits, inputs } = index;
  const records = [...index.records.values()].sort(inOrder);
  const json = {
    schemaVersion: SCHEMA_VERSION,
    generator: 'pcam',
    ...recipe,
    inputs: [...inputs].sort((a, b) => bySplit(a, b) || compare(a.file, b.file)),
    splits,
    patches: countPatches(records.filter(({ side }) => !side)),
    shards: records.filter(({ side }) => !side).map(shardJson),
    files: records
      .filter(({ side }) => side)
      .map(({ file, split, bytes, sha256 }) => ({ file, split, bytes, sha256 })),
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

/** Patches in some files. Files that start at the same patch, as pixels and labels do, hold the same ones. */
export function countPatches(records: readonly Pick<FileRecord, 'split' | 'start' | 'patches'>[]): number {
  const byStart = new Map(records.map(({ split, start, patches }) => [`${split} ${start}`, patches]));
  return [...byStart.values()].reduce((a, b) => a + b, 0);
}

function shardJson({ file, split, start, patches, bytes, sha256, contents }: FileRecord) {
  return { file, split, start, patches, bytes, sha256, ...(contents ? { contents } : {}) };
}

function inOrder(a: FileRecord, b: FileRecord): number {
  return bySplit(a, b) || a.start - b.start || compare(a.file, b.file);
}

function bySplit(a: { split: SplitName }, b: { split: SplitName }): number {
  return SPLITS.indexOf(a.split) - SPLITS.indexOf(b.split);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Reads an index that may have been edited by hand.
 * @param path for messages
 * @throws PcamError OUTPUT_MISMATCH
 */
export function parseIndex(text: string, path: string): ExportIndex {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw foreign(path);
  }
  if (!isRecord(json) || json.generator !== 'pcam' || json.schemaVersion !== SCHEMA_VERSION)
    throw foreign(path);
  const { shards, files } = json;
  if (!Array.isArray(shards) || !Array.isArray(files)) throw foreign(path);
  const header = parseHeader(json, path);
  const records = [
    ...shards.map((shard) => parseRecord(shard, path)),
    ...files.map((file) =>
      parseRecord(isRecord(file) ? { ...file, side: true, start: 0, patches: 0 } : file, path),
    ),
  ];
  return { ...header, records: new Map(records.map((record) => [record.file, record])) };
}

/** @throws PcamError OUTPUT_MISMATCH */
function parseHeader(json: unknown, path: string): ExportHeader {
  if (!isRecord(json) || !Array.isArray(json.inputs) || !Array.isArray(json.splits)) throw foreign(path);
  const { dataset, format, layout, revision, shardSize, crop, index, inputs, splits } = json;
  // Absent where it is not asked for, so that an index of everything is as it was before there were selections.
  const optional = Object.entries({ sha1: json.sha1, order: json.order, selection: json.selection });
  const more = Object.fromEntries(optional.filter(([, value]) => value !== undefined));
  const sound =
    inputs.every((input) => isRecord(input) && isSplit(input.split) && typeof input.file === 'string') &&
    splits.every((split) => isRecord(split) && isSplit(split.split) && isSize(split.patches));
  if (!sound) throw foreign(path);
  // Compared field by field with what this run would write; a wrong value is simply another recipe.
  return {
    recipe: { dataset, format, layout, revision, shardSize, crop, index, ...more } as Recipe,
    inputs,
    splits,
  };
}

/** @throws PcamError OUTPUT_MISMATCH when a field is wrong or a name leads out of the folder */
function parseRecord(json: unknown, path: string): FileRecord {
  if (!isRecord(json)) throw foreign(path);
  const { file, split, side, start, patches, bytes, sha256, contents } = json;
  const sound =
    isSafeName(file) &&
    isSplit(split) &&
    isSize(start) &&
    isSize(patches) &&
    isSize(bytes) &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256) &&
    (contents === undefined || (isRecord(contents) && isSize(contents.files) && isSize(contents.bytes)));
  if (!sound) throw foreign(path);
  return { file, split, side: side === true, start, patches, bytes, sha256, contents } as FileRecord;
}

/** A name below the output folder as an export writes it: files are removed and replaced by these. */
export function isSafeName(name: unknown): name is string {
  if (typeof name !== 'string' || name.length > 300) return false;
  return name.split('/').every((step) => /^[A-Za-z0-9._-]+$/.test(step) && step !== '.' && step !== '..');
}

function foreign(path: string): PcamError {
  return new PcamError('OUTPUT_MISMATCH', `${path} is not an index that this pcam writes`, {
    hint: 'choose another folder, or replace what is in this one',
    options: ['out', 'force'],
  });
}

export interface Difference {
  readonly words: string;
  /** The option that decides it, spelled in the words as `name value`. */
  readonly about?: { readonly option: string; readonly value: string };
}

/**
 * What differs between an export that is there and the one that is wanted, in words; `undefined` when they are one.
 * Other splits are no difference: they can lie side by side.
 */
export function difference(there: ExportHeader, wanted: ExportHeader): Difference | undefined {
  // The selection first: it decides on other fields.
  const keys = new Set(['selection', ...Object.keys(wanted.recipe), ...Object.keys(there.recipe)]) as Set<
    keyof Recipe
  >;
  for (const key of keys) {
    if (JSON.stringify(there.recipe[key]) !== JSON.stringify(wanted.recipe[key])) {
      return otherRecipe(key, there.recipe[key], wanted.recipe[key]);
    }
  }
  for (const { split, patches } of wanted.splits) {
    const theirs = there.splits.find((other) => other.split === split);
    if (!theirs) continue;
    if (theirs.patches !== patches) {
      return { words: `its ${split} has ${theirs.patches} patches, not ${patches}` };
    }
    const [a, b] = [there, wanted].map(({ inputs }) =>
      inputs
        .filter((input) => input.split === split)
        .map(({ file, md5 }) => `${file} (MD5 ${md5})`)
        .sort()
        .join(', '),
    );
    if (a !== b) return { words: `its ${split} was made from ${a}, not from ${b}` };
  }
  return undefined;
}

/** How a recipe differs, in the words of the options that decide it. */
function otherRecipe(key: keyof Recipe, there: unknown, wanted: unknown): Difference {
  if (key === 'dataset') return { words: `it was made from the data set ${show(there)}` };
  if (key === 'revision') return { words: 'another version of pcam wrote it, whose bytes differ' };
  const without = there === null || there === undefined;
  if (key === 'selection') {
    const selection = show(without ? wanted : there);
    return { words: `it was made ${without ? 'without' : 'with'} the selection ${selection}` };
  }
  const about = { option: key, value: plain(without ? wanted : there) };
  return { words: `it was made ${without ? 'without' : 'with'} ${`${key} ${about.value}`.trim()}`, about };
}

function plain(value: unknown): string {
  if (value === true) return '';
  return typeof value === 'string' ? printable(value, 60) : show(value);
}

function show(value: unknown): string {
  return printable(JSON.stringify(value) ?? 'not given', 200);
}

/** One index of several whose headers do not differ: splits, in their usual order, and files of all. */
export function mergeIndexes(header: ExportHeader, others: readonly ExportIndex[]): ExportIndex {
  const splits = new Map<SplitName, SplitSummary>();
  const inputs = new Map<string, InputFile>();
  const records = new Map<string, FileRecord>();
  for (const one of [...others, header]) {
    for (const split of one.splits) splits.set(split.split, split);
    for (const input of one.inputs) inputs.set(input.file, input);
  }
  for (const other of others) for (const record of other.records.values()) records.set(record.file, record);
  return {
    recipe: header.recipe,
    splits: [...splits.values()].sort(bySplit),
    inputs: [...inputs.values()],
    records,
  };
}

function isSplit(value: unknown): value is SplitName {
  return SPLITS.includes(value as SplitName);
}
