/** How the reader words what is wrong with a data set file. */
import { type ErrorCode, PcamError, printable } from '../core/index.js';

export interface Problem {
  readonly file: string;
  readonly expected: string;
  readonly found: string;
  readonly cause?: unknown;
}

const HINT =
  'verify it: a corrupt file is to be downloaded again; if it is ok, the data set itself is like this';

/** The file is not HDF5, or holds another array than pcam can read. */
export function badHdf5(problem: Problem): PcamError {
  return wrong('BAD_HDF5', problem);
}

/** The file can be read, and its values cannot be right. */
export function badData(problem: Problem): PcamError {
  return wrong('BAD_DATA', problem);
}

/** The meta table cannot be read. */
export function badCsv(problem: Problem): PcamError {
  return wrong('BAD_CSV', problem);
}

function wrong(code: ErrorCode, { file, expected, found, cause }: Problem): PcamError {
  const shown = { expected: printable(expected, 300), found: printable(found, 300) };
  return new PcamError(code, `${file} cannot be used: expected ${shown.expected}, found ${shown.found}`, {
    ...shown,
    cause,
    hint: HINT,
    next: { command: 'verify', deep: true },
  });
}
