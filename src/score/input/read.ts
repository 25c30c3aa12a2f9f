/** Reads a scores file: a NumPy array, or a table with a header. */
import type { FileHandle } from 'node:fs/promises';
import { extname } from 'node:path';
import { fsError, PcamError, systemCode } from '../../core/index.js';
import { openFile, UnfitFile } from '../../fs/index.js';
import { readDelimited } from './delimited.js';
import { readNpy } from './npy.js';
import { readParquet } from './parquet.js';
import type { ScoreColumn, ScoreRows } from './rows.js';

export interface ReadScoresOptions {
  file: string;
  column?: ScoreColumn;
  signal?: AbortSignal;
}

type Reader = (options: ReadScoresOptions & { handle: FileHandle }) => Promise<ScoreRows>;

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['.npy', ({ file, handle }) => readNpy(file, handle)],
  ['.csv', (options) => readDelimited({ ...options, delimiter: ',' })],
  ['.tsv', (options) => readDelimited({ ...options, delimiter: '\t' })],
  ['.parquet', readParquet],
]);

/**
 * Some 13 bytes a row are held.
 * @throws PcamError USAGE when there is no such file or no column has scores; BAD_DATA, BAD_CSV; IO; ABORTED
 */
export async function readScores(options: ReadScoresOptions): Promise<ScoreRows> {
  const { file, column } = options;
  const reader = READERS.get(extname(file).toLowerCase());
  if (!reader) {
    throw new PcamError('USAGE', `${file} is none of ${[...READERS.keys()].join(', ')}`, {
      hint: 'name a NumPy array, or a table with a header',
    });
  }
  if (column?.required && extname(file).toLowerCase() === '.npy') {
    throw new PcamError('USAGE', `${file} is an array, and has no column ${column.name}`, {
      options: ['column'],
    });
  }
  const handle = await openScores(file);
  try {
    return await reader({ ...options, handle });
  } finally {
    await handle.close();
  }
}

async function openScores(file: string): Promise<FileHandle> {
  try {
    return await openFile(file);
  } catch (error) {
    if (error instanceof UnfitFile) throw new PcamError('USAGE', error.message, { cause: error });
    if (systemCode(error) !== 'ENOENT') throw fsError(error, `reading ${file}`);
    throw new PcamError('USAGE', `there is no file ${file}`, {
      cause: error,
      hint: 'name the file that has the scores: .npy, .csv, .tsv or .parquet',
    });
  }
}
