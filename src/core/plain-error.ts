/** Errors on their way between threads: a PcamError loses its class and its fields there. */
import { type ErrorCode, fsError, messageOf, PcamError } from './errors.js';

export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly expected?: string;
  readonly found?: string;
  /** Of an error that is none of ours. */
  readonly stack?: string;
}

/** @param doing what failed, as a gerund with its object, for what is no PcamError yet */
export function toPlain(error: unknown, doing: string): PlainError {
  const { code, message, hint, expected, found } = fsError(error, doing);
  if (error instanceof PcamError) return { code, message, hint, expected, found };
  return {
    code,
    message: messageOf(message),
    hint,
    stack: error instanceof Error ? error.stack : undefined,
  };
}

export function fromPlain({ code, message, stack, ...rest }: PlainError): PcamError {
  const error = new PcamError(code, message, rest);
  if (stack) error.stack = stack;
  return error;
}
