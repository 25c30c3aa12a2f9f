/**
 * One pass over a file that may still be growing: digests of what is read and, in the same go, its decoded form
 * with digests of its own. A large file has a thread of its own; memory stays flat.
 */
import { abortError } from '../core/index.js';
import { Thread } from '../threads/index.js';
import { plainFailure, reviveFailure } from './failure.js';
import { Growth } from './growth.js';
import type { FromWorker, PassRequest, PassResult, ToWorker } from './protocol.js';
import { runPass } from './run-pass.js';
import { SMALL } from './small.js';

/** What dies young in its thread is small. */
const YOUNG_MB = 4;
/** What a small archive may decompress to where no thread is started for it: bytes that this one digests. */
const MOST_FROM_SMALL = 8 * SMALL;

export type { DecodeProblem, DigestName, Digests, PassOutput, PassRequest, PassResult } from './protocol.js';

type OnProgress = (read: number, written: number) => void;

export interface PassOptions extends PassRequest {
  /** How many bytes the input will have, where that is known. */
  size?: number;
  signal: AbortSignal;
  onProgress?: OnProgress;
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

/** Whoever does the work: a thread, or, where that would take longer to start than the pass itself, this one. */
interface Runner {
  /** Rejects when the pass fails, or the thread dies. */
  readonly result: Promise<PassResult>;
  tell(message: ToWorker): void;
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>;
}

export function startPass({ signal, onProgress = () => {}, size, ...request }: PassOptions): Pass {
  const runner = (isSmall(request, size) ? runHere : runInThread)(request, onProgress);
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      reject(abortError(signal));
      void runner.stop();
    };
  });
  const result = Promise.race([runner.result, aborted]);
  result.catch(() => {}); // whoever calls end() hears of it
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const release = () => signal.removeEventListener('abort', onAbort);
  return {
    failed: result,
    available: (bytes) => runner.tell({ type: 'available', bytes }),
    end: async (bytes) => {
      runner.tell({ type: 'end', bytes });
      try {
        return await result;
      } finally {
        release();
      }
    },
    stop: async () => {
      release();
      await runner.stop();
    },
  };
}

function isSmall({ output }: PassRequest, size = Number.POSITIVE_INFINITY): boolean {
  return size <= SMALL && (output?.most ?? 0) <= MOST_FROM_SMALL;
}

function runInThread(request: PassRequest, onProgress: OnProgress): Runner {
  const thread = new Thread<ToWorker, FromWorker>({
    script: 'pass/worker.js',
    data: request,
    name: `the pass over ${request.input}`,
    heap: { youngMB: YOUNG_MB },
  });
  const result = new Promise<PassResult>((resolve, reject) => {
    thread.listen((message) => {
      if (message.type === 'progress') onProgress(message.read, message.written);
      else if (message.type === 'done') resolve(message.result);
      else reject(reviveFailure(message.failure));
    }, reject);
  });
  return { result, tell: (message) => thread.tell(message), stop: () => thread.end() };
}

function runHere(request: PassRequest, onProgress: OnProgress): Runner {
  const growth = new Growth();
  const running = runPass(request, { growth, onProgress });
  return {
    result: running.catch((error) => {
      throw reviveFailure(plainFailure(error));
    }),
    tell: (message) => growth.hear(message),
    stop: async () => {
      growth.stop(new Error('stopped'));
      await running.catch(() => {});
    },
  };
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
