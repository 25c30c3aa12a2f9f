/**
 * One pass over a file that may still be growing: digests of what is read and, in the same go, its decoded form
 * with digests of its own. Runs in a worker thread; memory stays flat.
 */
import { abortError } from '../core/index.js';
import { Thread } from '../threads/index.js';
import { reviveFailure } from './failure.js';
import type { FromWorker, PassRequest, PassResult, ToWorker } from './protocol.js';

export type { DecodeProblem, DigestName, Digests, PassOutput, PassRequest, PassResult } from './protocol.js';

export interface PassOptions extends PassRequest {
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

/** What dies young here is small. */
const YOUNG_MB = 4;

export function startPass({ signal, onProgress, ...request }: PassOptions): Pass {
  const thread = new Thread<ToWorker, FromWorker>({
    script: 'pass/worker.js',
    data: request satisfies PassRequest,
    name: `the pass over ${request.input}`,
    heap: { youngMB: YOUNG_MB },
  });
  let onAbort = () => {};
  const result = new Promise<PassResult>((resolve, reject) => {
    thread.listen((message) => {
      if (message.type === 'progress') onProgress?.(message.read, message.written);
      else if (message.type === 'done') resolve(message.result);
      else reject(reviveFailure(message.failure));
    }, reject);
    onAbort = () => {
      reject(abortError(signal));
      void thread.end();
    };
  });
  result.catch(() => {}); // whoever calls end() hears of it
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const release = () => signal.removeEventListener('abort', onAbort);
  return {
    failed: result,
    available: (bytes) => thread.tell({ type: 'available', bytes }),
    end: async (bytes) => {
      thread.tell({ type: 'end', bytes });
      try {
        return await result;
      } finally {
        release();
      }
    },
    stop: async () => {
      release();
      await thread.end();
    },
  };
}

/** A pass over a file that is whole. */
export async function passOver(bytes: number, options: PassOptions): Promise<PassResult> {
  const pass = startPass(options);
  try {
    return await pass.end(bytes);
  } finally {
    await pass.stop();
  }
}
