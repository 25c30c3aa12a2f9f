/** A table with one row per patch, as CSV or Parquet, for pandas, DuckDB and their like. */
import { extname } from 'node:path';
import { PcamError, throwIfAborted } from '../../core/index.js';
import { csvField, openParquet, type ParquetSchema } from '../../export/encode/index.js';
import { writeOutput } from '../../fs/index.js';
import { SHA1_BYTES } from '../../scan/index.js';
import { writeTemporary } from '../../upstream/index.js';
import { type Input, requireOutputFile } from '../../verified/index.js';
import type { SplitDetails } from './split-stats.js';

/** Rows that are written at once. */
const BLOCK_ROWS = 8192;

type Value = string | number | boolean | null;

interface TableColumn {
  readonly name: string;
  readonly type: 'text' | 'integer' | 'boolean';
  value(split: SplitDetails, patch: number): Value;
}

const COLUMNS: readonly TableColumn[] = [
  { name: 'split', type: 'text', value: ({ split }) => split },
  { name: 'index', type: 'integer', value: (_, patch) => patch },
  { name: 'label', type: 'integer', value: ({ labels }, patch) => labels && labels[patch]! },
  { name: 'sha1', type: 'text', value: ({ scan }, patch) => hex(scan.sha1, patch) },
  { name: 'copies', type: 'integer', value: ({ copies }, patch) => copies[patch]! },
  { name: 'first', type: 'integer', value: ({ first }, patch) => first[patch]! },
  { name: 'coord_x', type: 'integer', value: ({ meta }, patch) => meta?.row(patch).coord_x ?? null },
  { name: 'coord_y', type: 'integer', value: ({ meta }, patch) => meta?.row(patch).coord_y ?? null },
  { name: 'tumor_patch', type: 'boolean', value: ({ meta }, patch) => meta?.row(patch).tumor_patch ?? null },
  {
    name: 'center_tumor_patch',
    type: 'boolean',
    value: ({ meta }, patch) => meta?.row(patch).center_tumor_patch ?? null,
  },
  { name: 'wsi', type: 'text', value: ({ meta }, patch) => meta?.row(patch).wsi ?? null },
];

function hex(sha1: Uint8Array, patch: number): string {
  return Buffer.from(sha1.buffer, sha1.byteOffset + patch * SHA1_BYTES, SHA1_BYTES).toString('hex');
}

type Rows = (
  splits: readonly SplitDetails[],
  signal: AbortSignal | undefined,
) => AsyncGenerator<Uint8Array, void, void>;

const FORMATS: Readonly<Record<string, Rows>> = { '.csv': csv, '.parquet': parquet };

export interface PatchTable {
  /** Writes the rows; the file appears when it is whole. */
  write(splits: readonly SplitDetails[], signal: AbortSignal | undefined): Promise<void>;
}

/**
 * Checks that a table can be written to `path`, before anything is read for it.
 * @throws PcamError USAGE, NOT_A_FOLDER, IO
 */
export async function prepareTable(path: string, { dir, manifest }: Input): Promise<PatchTable> {
  const format = FORMATS[extname(path).toLowerCase()];
  if (!format) {
    throw new PcamError('USAGE', `the table ${path} is neither .csv nor .parquet`, {
      hint: 'choose the format by the end of the name, such as patches.csv or patches.parquet',
    });
  }
  const target = await requireOutputFile({ path, dir, manifest });
  return {
    async write(splits, signal) {
      const content = format(splits, signal);
      await writeOutput({ path, target }, (temporary) =>
        writeTemporary({ temporary, shownAs: path, content, gzip: false, signal }),
      );
    },
  };
}

/** Blocks of rows, so that no split is held in memory as text. */
function* blocks(splits: readonly SplitDetails[], signal: AbortSignal | undefined) {
  for (const split of splits) {
    for (let start = 0; start < split.scan.count; start += BLOCK_ROWS) {
      throwIfAborted(signal);
      yield { split, start, end: Math.min(split.scan.count, start + BLOCK_ROWS) };
    }
  }
}

/** RFC 4180; unknown values are empty. */
async function* csv(
  splits: readonly SplitDetails[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`${COLUMNS.map(({ name }) => name).join(',')}\n`);
  for (const { split, start, end } of blocks(splits, signal)) {
    const lines: string[] = [];
    for (let patch = start; patch < end; patch++) {
      lines.push(`${COLUMNS.map((column) => csvField(column.value(split, patch) ?? '')).join(',')}\n`);
    }
    yield Buffer.from(lines.join(''));
  }
}

/** Unknown values are null. */
async function* parquet(
  splits: readonly SplitDetails[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let pieces: Uint8Array[] = [];
  const sink = { write: (bytes: Uint8Array) => void pieces.push(bytes.slice()) };
  const writer = await openParquet({ sink, schema: SCHEMA });
  for (const { split, start, end } of blocks(splits, signal)) {
    const columnData = COLUMNS.map((column) => ({
      name: column.name,
      data: Array.from({ length: end - start }, (_, i) =>
        parquetValue(column, column.value(split, start + i)),
      ),
    }));
    writer.write({ columnData, rowGroupSize: end - start });
    yield* pieces;
    pieces = [];
  }
  writer.finish();
  yield* pieces;
}

const TYPES = {
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  integer: { type: 'INT64' },
  boolean: { type: 'BOOLEAN' },
} as const;

const SCHEMA: ParquetSchema = [
  { name: 'root', num_children: COLUMNS.length },
  ...COLUMNS.map(({ name, type }) => ({ name, repetition_type: 'OPTIONAL' as const, ...TYPES[type] })),
];

function parquetValue({ type }: TableColumn, value: Value): string | boolean | bigint | null {
  if (value === null) return null;
  return type === 'integer' ? BigInt(value as number) : (value as string | boolean);
}
