/** How a thread that reads and writes files fails, and the error that the caller gets. */
import { fsError, messageOf, PcamError, systemCode } from '../core/index.js';

/** A failure on its way between threads: what the system said, and what was being done. */
export interface PlainFailure {
  /** The system's code, `SHORT` for a file that ends before its time, or empty. */
  code: string;
  message: string;
  doing: string;
}

export class Failure extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly doing: string,
  ) {
    super(message);
  }
}

/** Waits, and says of an error what was being done. */
export async function doing<T>(what: string, promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(systemCode(error), messageOf(error), what);
  }
}

export function plainFailure(error: unknown): PlainFailure {
  const failure = error instanceof Failure ? error : new Failure('', messageOf(error), 'reading');
  return { code: failure.code, message: failure.message, doing: failure.doing };
}

/** The input is not what it was: another process cut, removed or overwrote it while it was read. */
export class InputChanged extends PcamError {
  constructor(message: string, code: 'IO' | 'MISSING' = 'IO') {
    super(code, message, {
      hint: 'make sure that no other process writes to the folder, then run it again',
    });
  }
}

export function reviveFailure({ code, message, doing }: PlainFailure): Error {
  if (code === 'SHORT') return new InputChanged(`${message} while ${doing}`);
  if (code === 'ENOENT' && doing.startsWith('reading ')) {
    return new InputChanged(`a file went missing while ${doing}`, 'MISSING');
  }
  return fsError(Object.assign(new Error(message), code ? { code } : {}), doing);
}
