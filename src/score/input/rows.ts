/** Collects the rows of a scores file: which patch each is of, and its score, some 13 bytes a row. */
import { PcamError } from '../../core/index.js';
import { parseSplit, SPLITS, type SplitName } from '../../manifest/index.js';
import { SHA1_BYTES } from '../../scan/index.js';

/** Rows of one file; PCam has 327,680 patches. */
export const MAX_ROWS = 2 ** 24;
/** Rows that an error names. */
export const MAX_EXAMPLES = 3;

const SCORE_COLUMNS = ['prob', 'probability', 'p', 'score', 'logit', 'pred', 'prediction'];
const NAME_COLUMNS = ['id', 'key', '__key__', 'path', 'file', 'sha1'];
/** Kaggle's submissions call the score this. */
const KAGGLE_SCORE = 'label';

/** How the rows of a file say which patch they are of. */
export type Naming = 'order' | 'index' | 'split and index' | 'name';

/** What `ScoreRows.splits` has besides the places of the splits, from 1: the row names no split, a SHA-1, or no patch. */
export const UNNAMED = 0;
export const BY_SHA1 = 254;
export const UNKNOWN = 255;

export interface ScoreRows {
  readonly file: string;
  readonly count: number;
  /** The column that the scores are from; `null` for an array. */
  readonly column: string | null;
  readonly naming: Naming;
  /** NaN where there is no finite number. */
  readonly scores: Float64Array;
  /** Whether the scores are differences of two logits. */
  readonly twoLogits: boolean;
  /** The split of each row: its place in SPLITS, from 1, or UNNAMED (the scored split), BY_SHA1 or UNKNOWN. */
  readonly splits: Uint8Array;
  /** Of the patch in its split. */
  readonly indices: Uint32Array;
  /** Shape (count, 20), where a row names its patch by the SHA-1; `null` where none does. */
  readonly sha1: Uint8Array | null;
  /** The first cells that are no number, and the first that name no patch, by row. */
  readonly badScores: ReadonlyMap<number, string>;
  readonly badNames: ReadonlyMap<number, string>;
}

/** A value of a table as a reader gives it. */
type Cell = unknown;

/** The column that has the scores, where it has an unusual name. */
export interface ScoreColumn {
  readonly name: string;
  /** Where a file need not have it, its scores are in a column of a usual name. */
  readonly required: boolean;
}

interface Table {
  readonly file: string;
  /** Names of the columns. */
  readonly header: readonly string[];
  readonly column?: ScoreColumn;
}

interface Places {
  readonly naming: Naming;
  readonly split: number;
  readonly index: number;
  readonly name: number;
  readonly score: number;
}

export class RowCollector {
  readonly #file: string;
  readonly #column: string | null;
  readonly #places: Places;
  /** Whether the caller named the column. */
  readonly #asked: boolean;
  #count = 0;
  #scores = new Float64Array(1024);
  #splits = new Uint8Array(1024);
  #indices = new Uint32Array(1024);
  #sha1: Uint8Array | null = null;
  #sha1Rows = 0;
  readonly #badScores = new Map<number, string>();
  readonly #badNames = new Map<number, string>();

  /**
   * @param options.header names of the columns
   * @throws PcamError USAGE when no column has scores
   */
  constructor(table: Table) {
    const { file, header } = table;
    this.#file = file;
    this.#places = placesOf(table);
    this.#column = header[this.#places.score]!;
    this.#asked = this.#column === table.column?.name;
  }

  /** Places of the columns that are read; the cells of the others may be anything. */
  get places(): number[] {
    const { split, index, name, score } = this.#places;
    return [split, index, name, score].filter((place) => place >= 0);
  }

  /** @throws PcamError BAD_DATA when there are too many */
  add(cells: readonly Cell[]): void {
    if (this.#count === this.#scores.length) this.#grow();
    const row = this.#count++;
    const { score } = this.#places;
    this.#scores[row] = numberOf(cells[score]);
    if (Number.isNaN(this.#scores[row])) note(this.#badScores, row, cells[score]);
    this.#name(row, cells);
  }

  /** @throws PcamError USAGE when the only column for scores holds labels */
  rows(): ScoreRows {
    const count = this.#count;
    if (!this.#asked && this.#column === KAGGLE_SCORE && this.#sha1Rows < count) {
      throw new PcamError('USAGE', `${this.#file} has no column of scores: label is one beside SHA-1s only`, {
        hint: 'name the column that has them',
        options: ['column'],
      });
    }
    return {
      file: this.#file,
      count,
      column: this.#column,
      naming: this.#places.naming,
      scores: this.#scores.subarray(0, count),
      twoLogits: false,
      splits: this.#splits.subarray(0, count),
      indices: this.#indices.subarray(0, count),
      sha1: this.#sha1,
      badScores: this.#badScores,
      badNames: this.#badNames,
    };
  }

  #name(row: number, cells: readonly Cell[]): void {
    const { naming, split, index, name } = this.#places;
    if (naming === 'order') return;
    const found = naming === 'name' ? parsePatchName(textOf(cells[name])) : undefined;
    if (found && 'sha1' in found) {
      this.#sha1 ??= new Uint8Array(this.#scores.length * SHA1_BYTES);
      this.#sha1.set(Buffer.from(found.sha1, 'hex'), row * SHA1_BYTES);
      this.#sha1Rows++;
      this.#splits[row] = BY_SHA1;
      return;
    }
    const number = found ? found.index : indexOf(cells[index]);
    const of = found
      ? found.split
      : naming === 'split and index'
        ? parseSplit(textOf(cells[split]))
        : undefined;
    const known = number >= 0 && (of !== undefined || naming === 'index');
    this.#splits[row] = !known ? UNKNOWN : of === undefined ? UNNAMED : SPLITS.indexOf(of) + 1;
    this.#indices[row] = known ? number : 0;
    if (!known) note(this.#badNames, row, nameText(this.#places, cells));
  }

  #grow(): void {
    const size = this.#scores.length * 2;
    if (size > MAX_ROWS) {
      throw new PcamError('BAD_DATA', `${this.#file} has more than ${MAX_ROWS} rows`, {
        hint: 'a scores file has one row for each patch',
      });
    }
    this.#scores = enlarge(this.#scores, new Float64Array(size));
    this.#splits = enlarge(this.#splits, new Uint8Array(size));
    this.#indices = enlarge(this.#indices, new Uint32Array(size));
    if (this.#sha1) this.#sha1 = enlarge(this.#sha1, new Uint8Array(size * SHA1_BYTES));
  }
}

/** The splits that the rows name. */
export function namedSplits({ splits }: ScoreRows): SplitName[] {
  const named = new Set(splits);
  return SPLITS.filter((_, place) => named.has(place + 1));
}

/** The SHA-1 of a row as a string of 20 characters, for a Map. */
export function sha1Key(sha1: Uint8Array, row: number): string {
  return Buffer.from(sha1.buffer, sha1.byteOffset + row * SHA1_BYTES, SHA1_BYTES).toString('latin1');
}

function placesOf({ file, header, column }: Table): Places {
  const names = header.map((name) => name.trim().toLowerCase());
  const place = (name: string) => names.indexOf(name);
  const first = (candidates: readonly string[]) =>
    Math.max(
      -1,
      ...candidates
        .map(place)
        .filter((at) => at >= 0)
        .slice(0, 1),
    );
  const [split, index, name] = [place('split'), place('index'), first(NAME_COLUMNS)];
  const naming: Naming =
    index >= 0 ? (split >= 0 ? 'split and index' : 'index') : name >= 0 ? 'name' : 'order';
  const known = naming === 'name' ? [...SCORE_COLUMNS, KAGGLE_SCORE] : SCORE_COLUMNS;
  const wanted = column ? header.indexOf(column.name) : -1;
  const score = wanted < 0 && !column?.required ? first(known) : wanted;
  const twice = score >= 0 && header.lastIndexOf(header[score]!) !== score;
  if (score < 0 || twice) throw noScores({ file, header, column, twice });
  return {
    naming,
    score,
    split: naming === 'split and index' ? split : -1,
    index,
    name: naming === 'name' ? name : -1,
  };
}

function noScores({ file, header, column, twice }: Table & { twice: boolean }): PcamError {
  const shown = header.length > 20 ? [...header.slice(0, 20), `… (${header.length} in all)`] : header;
  const columns = `it has ${shown.map((name) => JSON.stringify(name.slice(0, 60))).join(', ') || 'no columns'}`;
  const what = twice
    ? `${file} has two columns of the same name for the scores`
    : column?.required
      ? `${file} has no column ${column.name}`
      : `${file} has no column of scores (${SCORE_COLUMNS.join(', ')})`;
  return new PcamError('USAGE', what, {
    hint: `name the column that has them; ${columns}`,
    options: ['column'],
  });
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,4})?$/i;
const WORDS: ReadonlyMap<string, number> = new Map([
  ['true', 1],
  ['false', 0],
]);

/** NaN for whatever is no finite number. */
function numberOf(cell: Cell): number {
  switch (typeof cell) {
    case 'number':
      return Number.isFinite(cell) ? cell : Number.NaN;
    case 'bigint':
    case 'boolean':
      return Number(cell);
    case 'string': {
      const text = cell.trim();
      const value = NUMBER.test(text) ? Number(text) : (WORDS.get(text.toLowerCase()) ?? Number.NaN);
      return Number.isFinite(value) ? value : Number.NaN;
    }
    default:
      return Number.NaN;
  }
}

/** A whole number as CSV and data frames have it (`17`, `17.0`), or -1. */
function indexOf(cell: Cell): number {
  if (typeof cell === 'string') return /^\s*\d{1,9}(\.0*)?\s*$/.test(cell) ? Number(cell) : -1;
  const value = typeof cell === 'number' || typeof cell === 'bigint' ? Number(cell) : -1;
  return Number.isInteger(value) && value >= 0 && value < 1e9 ? value : -1;
}

function textOf(cell: Cell): string {
  if (typeof cell === 'string') return cell;
  return cell instanceof Uint8Array ? Buffer.from(cell).toString('utf8') : '';
}

type PatchName =
  | { readonly split: SplitName; readonly index: number }
  /** 40 lower-case hex digits: the SHA-1 of the pixels, as in Kaggle's version of the data. */
  | { readonly sha1: string };

/** A key of pcam or a SHA-1, with a folder before it and an extension after it: `images/test_000017.png`. */
function parsePatchName(text: string): PatchName | undefined {
  const name = text
    .trim()
    .replace(/^.*[\\/]/, '')
    .replace(/\..*$/s, '')
    .toLowerCase();
  if (/^[0-9a-f]{40}$/.test(name)) return { sha1: name };
  const [, word, number] = /^([a-z]+)_(\d{1,9})$/.exec(name) ?? [];
  const split = word === undefined ? undefined : parseSplit(word);
  return split && { split, index: Number(number) };
}

function nameText({ naming, split, index, name }: Places, cells: readonly Cell[]): string {
  if (naming === 'name') return textOf(cells[name]);
  return naming === 'index' ? String(cells[index]) : `${textOf(cells[split])},${String(cells[index])}`;
}

function note(examples: Map<number, string>, row: number, cell: Cell): void {
  if (examples.size < MAX_EXAMPLES)
    examples.set(row, cell instanceof Uint8Array ? textOf(cell) : String(cell ?? ''));
}

function enlarge<T extends Float64Array | Uint32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
