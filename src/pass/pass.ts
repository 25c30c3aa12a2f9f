/**
 * One pass over a file that may still be growing: digests of what is read and, in the same go, its decoded form
 * with digests of its own. A large file has a thread of its own; memory stays flat.
 */
import { abortError } from '../core/index.js';
import { Inline, Thread, type Worker } from '../threads/index.js';
import { reviveFailure } from './failure.js';
import type { FromPass, PassRequest, PassResult, ToPass } from './protocol.js';
import { servePass } from './serve.js';
import { SMALL } from './small.js';

/** What dies young in its thread is small. */
const YOUNG_MB = 4;
/** What a small archive may decompress to where no thread is started for it: bytes that this one digests. */
const MOST_FROM_SMALL = 8 * SMALL;

export type { DecodeProblem, DigestName, Digests, PassOutput, PassRequest, PassResult } from './protocol.js';

export interface PassOptions extends PassRequest {
  /** How many bytes the input will have, where that is known. */
  size?: number;
  signal: AbortSignal;
  onProgress?: (read: number, written: number) => void;
}

/** A pass in progress. */
export interface Pass {
  /** Tells how many bytes from the start of the file are there. */
  available(bytes: number): void;
  /** Tells that the file is whole, and waits for the result. */
  end(bytes: number): Promise<PassResult>;
  /** Rejects as soon as the pass fails, such as on a full disk. Never resolves before `end`. */
  readonly failed: Promise<unknown>;
  /** Stops and lets go of everything; safe at any time. */
  stop(): Promise<void>;
}

export function startPass({ signal, onProgress, size, ...request }: PassOptions): Pass {
  const worker = workerFor(request, size);
  let onAbort = () => {};
  const result = new Promise<PassResult>((resolve, reject) => {
    worker.listen((message) => {
      if (message.type === 'progress') onProgress?.(message.read, message.written);
      else if (message.type === 'done') resolve(message.result);
      else reject(reviveFailure(message.failure));
    }, reject);
    onAbort = () => {
      reject(abortError(signal));
      void worker.end();
    };
  });
  result.catch(() => {}); // whoever calls end() hears of it
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const release = () => signal.removeEventListener('abort', onAbort);
  return {
    failed: result,
    available: (bytes) => worker.tell({ type: 'available', bytes }),
    end: async (bytes) => {
      worker.tell({ type: 'end', bytes });
      try {
        return await result;
      } finally {
        release();
      }
    },
    stop: async () => {
      release();
      await worker.end();
    },
  };
}

function workerFor(request: PassRequest, size = Number.POSITIVE_INFINITY): Worker<ToPass, FromPass> {
  const small = size <= SMALL && (request.output?.most ?? 0) <= MOST_FROM_SMALL;
  if (small) return new Inline(servePass, request);
  return new Thread({
    script: 'pass/worker.js',
    data: request,
    name: `the pass over ${request.input}`,
    heap: { youngMB: YOUNG_MB },
  });
}

/** A pass over a file that is whole. */
export async function passOver(bytes: number, options: PassOptions): Promise<PassResult> {
  const pass = startPass({ size: bytes, ...options });
  try {
    return await pass.end(bytes);
  } finally {
    await pass.stop();
  }
}
