/** What runs in the worker pool: named functions, their messages, and errors on their way between threads. */
import { type ErrorFacts, factsOf, fsError, localError, PcamError } from '../core/index.js';

/**
 * A function that a worker thread can run. Input, result, progress and messages are copied between threads
 * (structured clone); a SharedArrayBuffer is shared.
 */
export interface Job<Input, Result, Progress = never, Message = never> {
  /** Its key in worker.ts. */
  readonly name: string;
  /** What it does, for errors, as a gerund with its object: `reading pcam/x.h5`. */
  doing(input: Input): string;
  run(input: Input, context: JobContext<Progress, Message>): Promise<Result>;
}

export interface JobContext<Progress, Message> {
  /** Aborted when the job is to stop, where it runs in the caller's thread; a thread of its own is terminated. */
  readonly signal: AbortSignal;
  report(progress: Progress): void;
  /** Messages that were sent earlier are delivered at once. */
  onMessage(handler: (message: Message) => void): void;
}

export type ToWorker =
  | { readonly type: 'run'; readonly name: string; readonly input: unknown }
  | { readonly type: 'message'; readonly message: unknown };

export type FromWorker =
  | { readonly type: 'progress'; readonly progress: unknown }
  | { readonly type: 'done'; readonly result: unknown }
  | ({ readonly type: 'failed' } & SentError);

/** Messages in order, kept until there is a listener. */
export class Inbox<Message> {
  readonly #waiting: Message[] = [];
  #handler: ((message: Message) => void) | undefined;

  put(message: Message): void {
    if (this.#handler) this.#handler(message);
    else this.#waiting.push(message);
  }

  listen(handler: (message: Message) => void): void {
    this.#handler = handler;
    for (const message of this.#waiting.splice(0)) handler(message);
  }
}

/** A PcamError loses its class between threads, so its facts are sent. A bug arrives as it is, with its stack. */
export interface SentError {
  readonly facts?: ErrorFacts;
  readonly bug?: unknown;
}

export function sendError(error: unknown): SentError {
  return error instanceof PcamError ? { facts: factsOf(error) } : { bug: error };
}

export function receiveError({ facts, bug }: SentError): unknown {
  if (!facts) return bug;
  const { code, message, ...rest } = facts;
  return new PcamError(code, message, rest);
}

/** The error that a job ends with: a PcamError for whatever the system or this machine's limits caused. */
export function jobError(error: unknown, doing: string): unknown {
  const isSystemError = typeof (error as NodeJS.ErrnoException | null)?.errno === 'number';
  return isSystemError ? fsError(error, doing) : (localError(error) ?? error);
}
