/** Reads a meta CSV as a stream, its columns by name, into compact columns. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { CsvError, type InfoRecord, parse } from 'csv-parse';
import { abortError, fsError, type PcamError } from '../core/index.js';
import { badCsv, badData } from './problems.js';
import { MAX_PATCHES, type MetaRow, type MetaTable } from './types.js';

const COLUMNS = ['coord_x', 'coord_y', 'tumor_patch', 'center_tumor_patch', 'wsi'] as const;
type MetaColumn = (typeof COLUMNS)[number];

/** A row of PCam has some 70 bytes. */
const MAX_ROW_BYTES = 64 * 1024;
const MAX_SLIDE_NAME = 200;
/** Camelyon16 has 400 slides; the columns count them in 16 bits. */
const MAX_SLIDES = 0xffff;

/**
 * Reads the columns coord_x, coord_y, tumor_patch, center_tumor_patch and wsi, in any order; others are ignored.
 * @param options.count number of patches, when it is known
 * @throws PcamError BAD_CSV naming line, column, expected and found; BAD_DATA when there are not `count` rows
 */
export async function readMeta({
  file,
  count,
  signal,
}: {
  file: string;
  count?: number;
  signal?: AbortSignal;
}): Promise<MetaTable> {
  const columns = new Columns(file);
  const parser = parse({
    bom: true,
    max_record_size: MAX_ROW_BYTES,
    record_delimiter: ['\r\n', '\n', '\r'],
    skip_empty_lines: true,
    on_record: (record: string[], context) => {
      columns.add(record, context);
      return null;
    },
  });
  // Nothing is ever pushed, so flowing only lets the parser end.
  parser.resume();
  try {
    // A pipe would block the open call itself.
    if (!(await stat(file)).isFile()) {
      throw badCsv({ file, expected: 'a CSV file', found: 'something that is not a regular file' });
    }
    await pipeline(createReadStream(file), parser, { signal });
  } catch (error) {
    if (signal?.aborted) throw abortError(signal);
    throw error instanceof CsvError ? csvProblem(file, error) : fsError(error, `reading ${file}`);
  }
  const table = columns.table();
  if (count !== undefined && table.rows !== count) {
    throw badData({ file, expected: `${count} rows, one for each patch`, found: `${table.rows}` });
  }
  return table;
}

/** Meta rows in columns, some 11 bytes per row. */
export interface MetaColumns {
  readonly slides: readonly string[];
  /** Number of the slide in `slides`. */
  readonly slide: Uint16Array;
  readonly x: Int32Array;
  readonly y: Int32Array;
  /** Bit 0: tumor_patch, bit 1: center_tumor_patch. */
  readonly flags: Uint8Array;
}

/** @param rows how many there are; the columns may have room for more */
export function metaTable({ slides, slide, x, y, flags }: MetaColumns, rows: number = x.length): MetaTable {
  const row = (index: number): MetaRow => {
    if (!Number.isInteger(index) || index < 0 || index >= rows) {
      throw new RangeError(`meta row ${index} of ${rows}`);
    }
    return {
      wsi: slides[slide[index]!]!,
      coord_x: x[index]!,
      coord_y: y[index]!,
      tumor_patch: (flags[index]! & 1) !== 0,
      center_tumor_patch: (flags[index]! & 2) !== 0,
    };
  };
  return { rows, slides, row };
}

/** The parser knows the line; what it calls the problem is its own business, so the words are ours. */
function csvProblem(file: string, error: CsvError): PcamError {
  const line = `line ${Number(error.lines) || 1}`;
  const [expected, found] = {
    CSV_MAX_RECORD_SIZE: [`rows of at most ${MAX_ROW_BYTES} bytes`, `a longer one at ${line}`],
    CSV_RECORD_INCONSISTENT_FIELDS_LENGTH: [
      'as many fields in every row as in the first',
      `another number at ${line}`,
    ],
    CSV_QUOTE_NOT_CLOSED: ['every quote to be closed', `an open one at ${line}`],
  }[error.code as string] ?? ['CSV (RFC 4180)', `something else at ${line} (${error.code})`];
  return badCsv({ file, expected: expected!, found: found!, cause: error });
}

/** Columns that grow by doubling, so that a file of unknown length needs no more than twice its rows. */
class Columns {
  readonly #file: string;
  #places: Record<MetaColumn, number> | undefined;
  #rows = 0;
  #x = new Int32Array(1024);
  #y = new Int32Array(1024);
  /** Bit 0: tumor_patch, bit 1: center_tumor_patch. */
  #flags = new Uint8Array(1024);
  #slide = new Uint16Array(1024);
  readonly #slides = new Map<string, number>();

  constructor(file: string) {
    this.#file = file;
  }

  add(record: readonly string[], { lines }: InfoRecord): void {
    if (!this.#places) {
      this.#places = this.#findColumns(record, lines);
      return;
    }
    if (this.#rows === this.#x.length) this.#grow(lines);
    const field = (column: MetaColumn) => ({
      column,
      text: record[this.#places![column]] ?? '',
      line: lines,
    });
    const row = this.#rows++;
    this.#x[row] = this.#coordinate(field('coord_x'));
    this.#y[row] = this.#coordinate(field('coord_y'));
    this.#flags[row] = this.#flag(field('tumor_patch')) | (this.#flag(field('center_tumor_patch')) << 1);
    this.#slide[row] = this.#slideNumber(field('wsi'));
  }

  table(): MetaTable {
    if (!this.#places) {
      throw badCsv({
        file: this.#file,
        expected: `a header with ${COLUMNS.join(', ')}`,
        found: 'an empty file',
      });
    }
    const columns = { slide: this.#slide, x: this.#x, y: this.#y, flags: this.#flags };
    return metaTable({ slides: [...this.#slides.keys()], ...columns }, this.#rows);
  }

  #findColumns(header: readonly string[], line: number): Record<MetaColumn, number> {
    const places = {} as Record<MetaColumn, number>;
    for (const column of COLUMNS) {
      places[column] = header.indexOf(column);
      const found = places[column] < 0 ? 'none' : 'two of them';
      if (places[column] < 0 || header.lastIndexOf(column) !== places[column]) {
        throw this.#bad(
          `one column ${column} in the header`,
          `${found} at line ${line}: ${header.join(',')}`,
        );
      }
    }
    return places;
  }

  #grow(line: number): void {
    const size = this.#x.length * 2;
    if (size > MAX_PATCHES) throw this.#bad(`at most ${MAX_PATCHES} rows`, `more at line ${line}`);
    this.#x = enlarge(this.#x, new Int32Array(size));
    this.#y = enlarge(this.#y, new Int32Array(size));
    this.#flags = enlarge(this.#flags, new Uint8Array(size));
    this.#slide = enlarge(this.#slide, new Uint16Array(size));
  }

  #coordinate({ column, text, line }: Field): number {
    const value = /^[+-]?\d{1,10}(\.0*)?$/.test(text) ? Number(text) : Number.NaN;
    // `| 0` also shows that the value fits 32 bits.
    if (value !== (value | 0)) throw this.#badField({ column, text, line }, 'a whole number of px');
    return value;
  }

  #flag({ column, text, line }: Field): number {
    if (/^(True|true|TRUE|1)$/.test(text)) return 1;
    if (/^(False|false|FALSE|0)$/.test(text)) return 0;
    throw this.#badField({ column, text, line }, 'True or False');
  }

  #slideNumber({ column, text, line }: Field): number {
    const known = this.#slides.get(text);
    if (known !== undefined) return known;
    if (text === '' || text.length > MAX_SLIDE_NAME) {
      throw this.#badField({ column, text, line }, `a slide name of 1 to ${MAX_SLIDE_NAME} characters`);
    }
    const number = this.#slides.size;
    if (number === MAX_SLIDES) throw this.#bad(`at most ${MAX_SLIDES} slides`, `more at line ${line}`);
    this.#slides.set(text, number);
    return number;
  }

  #badField({ column, text, line }: Field, expected: string): PcamError {
    return this.#bad(
      `${expected} in column ${column}`,
      `${JSON.stringify(text.slice(0, 60))} at line ${line}`,
    );
  }

  #bad(expected: string, found: string): PcamError {
    return badCsv({ file: this.#file, expected, found });
  }
}

interface Field {
  readonly column: MetaColumn;
  readonly text: string;
  readonly line: number;
}

function enlarge<T extends Int32Array | Uint16Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
