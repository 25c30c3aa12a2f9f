/** The one error class, its codes, and the exit code that each stands for. */
import { printable } from './text.js';

/** Exit code by error code, as the README lists them. */
export const EXIT_CODES = {
  INTERNAL: 1,
  USAGE: 2,
  BAD_MANIFEST: 2,
  MISSING: 3,
  NOT_VERIFIED: 3,
  DIGEST_MISMATCH: 3,
  BAD_GZIP: 3,
  BAD_HDF5: 3,
  BAD_CSV: 3,
  BAD_DATA: 3,
  OUTPUT_MISMATCH: 3,
  EMPTY_SELECTION: 3,
  NO_SOURCE: 4,
  DISK_FULL: 5,
  NO_PERMISSION: 5,
  NOT_A_FOLDER: 5,
  LOCKED: 5,
  IO: 5,
  ABORTED: 130,
  TERMINATED: 143,
} as const;

export type ErrorCode = keyof typeof EXIT_CODES;

export interface PcamErrorOptions {
  /** What the person should do next. */
  hint?: string;
  /** Digest or size that was expected, and what was there. */
  expected?: string;
  found?: string;
  cause?: unknown;
}

/** Everything that pcam throws on purpose. `message` says what happened to what, `hint` what to do next. */
export class PcamError extends Error {
  readonly code: ErrorCode;
  readonly hint?: string;
  readonly expected?: string;
  readonly found?: string;

  constructor(code: ErrorCode, message: string, options: PcamErrorOptions = {}) {
    super(printable(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'PcamError';
    this.code = code;
    if (options.hint !== undefined) this.hint = printable(options.hint);
    if (options.expected !== undefined) this.expected = printable(options.expected);
    if (options.found !== undefined) this.found = printable(options.found);
  }

  get exitCode(): number {
    return EXIT_CODES[this.code];
  }
}

/** The code of a Node system error (`ENOSPC`, `ECONNRESET`, …), or '' for anything else. */
export function systemCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

export function messageOf(error: unknown): string {
  return printable(error instanceof Error ? error.message : String(error));
}

/**
 * Turns what the file system said into a PcamError.
 * @param doing what pcam was doing, as a gerund with its object: `writing pcam/x.h5`
 */
export function fsError(error: unknown, doing: string): PcamError {
  if (error instanceof PcamError) return error;
  const cause = error;
  switch (systemCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return new PcamError('DISK_FULL', `the disk is full (or your quota is used up) while ${doing}`, {
        cause,
        hint: 'make room or choose another folder with --dir, then run the same command again: it goes on from what is there',
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new PcamError('NO_PERMISSION', `no permission (${systemCode(error)}) while ${doing}`, {
        cause,
        hint: 'choose a folder that you can write to with --dir, or change its permissions',
      });
    case 'ENOTDIR':
    case 'EEXIST':
      return new PcamError('NOT_A_FOLDER', `a file stands where a folder is needed while ${doing}`, {
        cause,
        hint: 'move that file away, or choose another folder with --dir',
      });
    case 'EISDIR':
      return new PcamError('IO', `a folder stands where a file is needed while ${doing}`, {
        cause,
        hint: 'move that folder away, then run the same command again',
      });
    case 'ENOENT':
      return new PcamError('MISSING', `a file went missing while ${doing}`, {
        cause,
        hint: 'something else changed the folder; run the same command again',
      });
    case '':
      return new PcamError('INTERNAL', `${messageOf(error)} while ${doing}`, { cause });
    default:
      return new PcamError('IO', `the system answered ${systemCode(error)} while ${doing}`, { cause });
  }
}

/** The error that stands for an abort: SIGTERM's reason keeps its own exit code. */
export function abortError(signal: AbortSignal): PcamError {
  if (signal.reason instanceof PcamError) return signal.reason;
  return new PcamError('ABORTED', 'stopped', {
    hint: 'run the same command again: it goes on from what is there',
  });
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal);
}
