/** Errors on their way between threads, where a PcamError loses its class. */
import { type ErrorFacts, PcamError } from './errors.js';
import { factsOf, fsError } from './system-errors.js';

export interface PlainError extends ErrorFacts {
  /** Of an error that is a bug. */
  readonly stack?: string;
}

/** @param doing what failed, as a gerund with its object, for what is no PcamError yet */
export function toPlain(error: unknown, doing: string): PlainError {
  const facts = factsOf(fsError(error, doing));
  return error instanceof PcamError || !(error instanceof Error) ? facts : { ...facts, stack: error.stack };
}

export function fromPlain({ code, message, stack, ...rest }: PlainError): PcamError {
  const error = new PcamError(code, message, rest);
  if (stack) error.stack = stack;
  return error;
}
