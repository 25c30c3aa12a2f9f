/**
 * One pass over bytes that may still be arriving: their digests and, in the same go, their decoded form with digests of
 * its own. The bytes are those of a file that grows, or are pushed. A large file has a thread of its own; memory stays flat.
 */
import { abortError, throwIfAborted } from '../core/index.js';
import { Pool, type RunningJob } from '../threads/index.js';
import { type PassMessage, type PassRequest, passJob } from './run-pass.js';
import { MAX_INLINE_BYTES, type PassResult, type ReadOutcome, resultOf } from './types.js';

/** Decoded bytes that are digested in the calling thread where the input is small. */
const MAX_INLINE_OUTPUT_BYTES = 8 * MAX_INLINE_BYTES;

export interface PassOptions extends PassRequest {
  /** How many bytes the input will have, where that is known. */
  size?: number;
  signal: AbortSignal;
  onProgress?: (read: number, written: number) => void;
}

/** A pass in progress. */
export class Pass {
  /** Bytes of the input that were read. */
  read = 0;
  /** Rejects as soon as the pass fails, such as on a full disk. */
  readonly failed: Promise<unknown>;
  readonly #job: RunningJob<ReadOutcome<PassResult>, PassMessage>;
  readonly #stop = new AbortController();
  readonly #waiting = new Set<() => void>();

  constructor({ size = Number.POSITIVE_INFINITY, signal, onProgress, ...request }: PassOptions) {
    const isSmall = size <= MAX_INLINE_BYTES && (request.output?.maxBytes ?? 0) <= MAX_INLINE_OUTPUT_BYTES;
    this.#job = new Pool(isSmall ? 0 : 1).start(passJob, request, {
      signal: AbortSignal.any([signal, this.#stop.signal]),
      onProgress: ({ read, written }) => {
        this.read = read;
        for (const check of this.#waiting) check();
        onProgress?.(read, written);
      },
    });
    this.failed = this.#job.result.then(resultOf);
    this.failed.catch(() => {}); // whoever calls end() hears of it
  }

  /** Tells how many bytes from the start of the input file are there. */
  available(bytes: number): void {
    this.#job.send({ type: 'available', bytes });
  }

  /** Hands over the next bytes, where there is no input file. */
  push(bytes: Uint8Array): void {
    this.#job.send({ type: 'bytes', bytes });
  }

  /** Waits until the pass has read up to a position. @throws PcamError ABORTED */
  async reached(position: number, signal: AbortSignal): Promise<void> {
    if (this.read >= position) return;
    throwIfAborted(signal);
    let onAbort = () => {};
    let check = () => {};
    try {
      await new Promise<void>((resolve, reject) => {
        onAbort = () => reject(abortError(signal));
        check = () => this.read >= position && resolve();
        signal.addEventListener('abort', onAbort, { once: true });
        this.#waiting.add(check);
      });
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#waiting.delete(check);
    }
  }

  /** Tells that all bytes are there, and waits for the result. */
  async end(bytes: number): Promise<PassResult> {
    this.#job.send({ type: 'end', bytes });
    return resultOf(await this.#job.result);
  }

  /** Stops, and resolves when nothing is left running; safe at any time. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.failed.catch(() => {});
  }
}

/** A pass over a file that is whole. */
export async function passOver(bytes: number, options: PassOptions): Promise<PassResult> {
  const pass = new Pass({ size: bytes, ...options });
  try {
    return await pass.end(bytes);
  } finally {
    await pass.stop();
  }
}
