/** Reads scores from CSV and TSV with a header, as a stream. */
import type { FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { CsvError, parse } from 'csv-parse';
import { abortError, fsError, PcamError } from '../../core/index.js';
import { RowCollector, type ScoreColumn, type ScoreRows } from './rows.js';

/** A row has some 60 bytes; one with a path may have a few hundred. */
const MAX_ROW_BYTES = 64 * 1024;

/**
 * @throws PcamError BAD_DATA naming the line of what is no CSV; USAGE when no column has scores
 */
export async function readDelimited({
  file,
  handle,
  delimiter,
  column,
  signal,
}: {
  file: string;
  handle: FileHandle;
  delimiter: ',' | '\t';
  column?: ScoreColumn;
  signal?: AbortSignal;
}): Promise<ScoreRows> {
  let collector: RowCollector | undefined;
  const parser = parse({
    bom: true,
    delimiter,
    max_record_size: MAX_ROW_BYTES,
    record_delimiter: ['\r\n', '\n', '\r'],
    skip_empty_lines: true,
    // A tab-separated file has no quotes unless a field begins with one.
    relax_quotes: delimiter === '\t',
    on_record: (record: string[]) => {
      if (collector) collector.add(record);
      else collector = new RowCollector({ file, header: record, column });
      return null;
    },
  });
  // Nothing is ever pushed, so flowing only lets the parser end.
  parser.resume();
  try {
    await pipeline(handle.createReadStream({ autoClose: false, start: 0 }), parser, { signal });
  } catch (error) {
    if (signal?.aborted) throw abortError(signal);
    throw error instanceof CsvError ? csvProblem(file, error) : fsError(error, `reading ${file}`);
  }
  return (collector ?? new RowCollector({ file, header: [], column })).rows();
}

function csvProblem(file: string, error: CsvError): PcamError {
  const line = `line ${Number(error.lines) || 1}`;
  const [expected, found] = {
    CSV_MAX_RECORD_SIZE: [`rows of at most ${MAX_ROW_BYTES} bytes`, `a longer one at ${line}`],
    CSV_RECORD_INCONSISTENT_FIELDS_LENGTH: [
      'as many fields in every row as in the header',
      `another number at ${line}`,
    ],
    CSV_QUOTE_NOT_CLOSED: ['every quote to be closed', `an open one at ${line}`],
  }[error.code as string] ?? ['CSV (RFC 4180)', `something else at ${line} (${error.code})`];
  return new PcamError('BAD_CSV', `${file} cannot be read as scores: expected ${expected}, found ${found}`, {
    cause: error,
    expected,
    found,
    hint: 'a scores file has a header and one row for each patch',
  });
}
