/** The one error class, its codes, and the exit code of each. */
import { printable } from './text.js';

/** Exit code by error code; `pcam --help` and docs/options.md explain the exit codes. */
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

/** The pcam operation that continues from an error or a finding. The command line spells it out. */
export interface NextStep {
  readonly command: 'download' | 'verify' | 'info' | 'stats' | 'export' | 'preview' | 'report' | 'help';
  readonly splits?: readonly string[];
  readonly kinds?: readonly string[];
  readonly deep?: true;
  readonly fix?: true;
  readonly format?: string;
  readonly shuffle?: true;
}

/** Why one source could not deliver a file. */
export interface SourceReason {
  readonly source: string;
  readonly reason: string;
  /** The system's code where there is one: `ENOTFOUND`, `ECONNREFUSED`. */
  readonly code?: string;
}

export interface PcamErrorOptions {
  /** What to do next, in words that hold for the library and the command line. */
  hint?: string;
  /** Options of the call, by their names in the library, that the hint is about. */
  options?: readonly string[];
  next?: NextStep;
  /** An option of the call that the message spells as `name value`. */
  about?: { readonly option: string; readonly value: string };
  /** With NO_SOURCE: what each source said. */
  reasons?: readonly SourceReason[];
  /** Digest or size that was expected, and what was there. */
  expected?: string;
  found?: string;
  cause?: unknown;
}

/** Everything that pcam throws on purpose. `message` says what happened to what, `hint` what to do next. */
export class PcamError extends Error {
  readonly code: ErrorCode;
  readonly hint?: string;
  readonly options?: readonly string[];
  readonly next?: NextStep;
  readonly about?: { readonly option: string; readonly value: string };
  readonly reasons?: readonly SourceReason[];
  readonly expected?: string;
  readonly found?: string;

  constructor(code: ErrorCode, message: string, options: PcamErrorOptions = {}) {
    super(printable(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'PcamError';
    this.code = code;
    if (options.hint !== undefined) this.hint = printable(options.hint);
    if (options.options !== undefined) this.options = options.options;
    if (options.next !== undefined) this.next = options.next;
    if (options.about !== undefined) this.about = options.about;
    if (options.reasons !== undefined) this.reasons = options.reasons;
    if (options.expected !== undefined) this.expected = printable(options.expected);
    if (options.found !== undefined) this.found = printable(options.found);
  }

  get exitCode(): number {
    return EXIT_CODES[this.code];
  }
}

/** An error as plain data, for results and on its way between threads. */
export interface ErrorFacts extends Omit<PcamErrorOptions, 'cause'> {
  code: ErrorCode;
  message: string;
}

/** What is known about an error; one that neither pcam threw on purpose nor the machine caused is INTERNAL. */
export function factsOf(given: unknown): ErrorFacts {
  const error = localError(given) ?? given;
  if (!(error instanceof PcamError)) return { code: 'INTERNAL', message: messageOf(error) };
  const { code, message, hint, options, next, about, reasons, expected, found } = error;
  return { code, message, hint, options, next, about, reasons, expected, found };
}

/** Numbers of Linux that libuv has no name for: it says `Unknown system error -122`. */
const UNNAMED: Record<number, string> = { [-116]: 'ESTALE', [-117]: 'EUCLEAN', [-122]: 'EDQUOT' };

/** The code of a Node system error (`ENOSPC`, `ECONNRESET`, …), or '' for anything else. */
export function systemCode(error: unknown): string {
  const { code, errno } = (error ?? {}) as { code?: unknown; errno?: unknown };
  if (typeof code !== 'string') return '';
  return (process.platform === 'linux' && UNNAMED[errno as number]) || code;
}

export function messageOf(error: unknown): string {
  return printable(error instanceof Error ? error.message : String(error));
}

/** What a process runs out of, in error codes and in the messages of errors that come without one. */
const SCARCE = /\b(EMFILE|ENFILE|ENOMEM|EAGAIN)\b/;

/** The error for a limit or a loss of this machine that any line of code can meet; undefined for anything else. */
export function localError(error: unknown): PcamError | undefined {
  if (error instanceof PcamError) return undefined;
  const cause = error;
  const { code, syscall } = (error ?? {}) as { code?: unknown; syscall?: unknown };
  if (syscall === 'uv_cwd') {
    return new PcamError('IO', 'the current directory has been removed', {
      cause,
      hint: 'change to another directory, then run it again',
    });
  }
  const memory = memoryError(error);
  if (memory) return memory;
  if (code === 'ERR_MODULE_NOT_FOUND') {
    // Node's resolver says so as well when it may not open another file.
    return new PcamError('IO', `a part of pcam cannot be loaded: ${messageOf(error)}`, {
      cause,
      hint: 'install pcam again; where a limit on open files is low, raise it (`ulimit -n 1024`)',
    });
  }
  const limit = SCARCE.exec(`${String(code)} ${messageOf(error)}`)?.[1];
  if (limit === undefined) return undefined;
  if (limit === 'EMFILE' || limit === 'ENFILE') {
    return new PcamError('IO', `too many open files (${limit})`, {
      cause,
      hint: 'raise the limit (`ulimit -n 1024`), or let pcam do less at once',
      options: ['jobs', 'workers', 'connections'],
    });
  }
  return new PcamError('IO', `the system is out of memory or threads (${limit})`, {
    cause,
    hint: 'raise the limits of the process, or let pcam do less at once',
    options: ['jobs', 'workers'],
  });
}

/** The error for a WebAssembly memory that the system refused; undefined for anything else. */
export function memoryError(cause: unknown): PcamError | undefined {
  const [said] =
    /WebAssembly\.\w+\(\): (out of memory|could not allocate memory)[^)]*/i.exec(messageOf(cause)) ?? [];
  if (said === undefined) return undefined;
  return new PcamError('IO', `the system refuses memory (${said})`, {
    cause,
    // V8 reserves 10 GB of addresses for each of its memories, unless it checks every access by itself.
    hint: 'raise the limit on virtual memory (`ulimit -v`), or set NODE_OPTIONS=--disable-wasm-trap-handler',
  });
}

/**
 * Turns what the file system said into a PcamError.
 * @param doing what pcam was doing, as a gerund with its object: `writing pcam/x.h5`
 */
export function fsError(error: unknown, doing: string): PcamError {
  if (error instanceof PcamError) return error;
  const cause = error;
  // Looking for the current directory says ENOENT, and it is no file of the data set that is missing.
  if ((error as { syscall?: unknown } | null)?.syscall === 'uv_cwd') return localError(error)!;
  switch (systemCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return new PcamError('DISK_FULL', `the disk is full (or a quota is used up) while ${doing}`, {
        cause,
        hint: 'make room or choose another folder, then run it again',
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new PcamError('NO_PERMISSION', `no permission (${systemCode(error)}) while ${doing}`, {
        cause,
        hint: 'choose a folder that you can write to, or change its permissions',
      });
    case 'ENOTDIR':
    case 'EEXIST':
      return new PcamError('NOT_A_FOLDER', `expected a directory, found a file while ${doing}`, {
        cause,
        hint: 'move that file away, or choose another folder',
      });
    case 'EISDIR':
      return new PcamError('IO', `expected a file, found a directory while ${doing}`, {
        cause,
        hint: 'move that directory away, then run it again',
      });
    case 'ENOENT':
      return new PcamError('MISSING', `a file disappeared while ${doing}`, {
        cause,
        hint: 'another process changed the folder; run it again',
      });
    case '':
      return new PcamError('INTERNAL', `${messageOf(error)} while ${doing}`, { cause });
    case 'EMFILE':
    case 'ENFILE': {
      const { message, hint, options } = localError(error)!;
      return new PcamError('IO', `${message} while ${doing}`, { cause, hint, options });
    }
    default:
      return new PcamError('IO', `system error ${systemCode(error)} while ${doing}`, { cause });
  }
}

/** The error of an abort: SIGTERM's reason keeps its own exit code. */
export function abortError(signal: AbortSignal): PcamError {
  if (signal.reason instanceof PcamError) return signal.reason;
  return new PcamError('ABORTED', 'stopped', {
    hint: 'run it again to resume',
  });
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal);
}
