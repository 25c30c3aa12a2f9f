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
  /** Path of a file of indices. */
  readonly indices?: string;
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

export function messageOf(error: unknown): string {
  return printable(error instanceof Error ? error.message : String(error));
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
