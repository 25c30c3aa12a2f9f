/**
 * One pass over a file that may still be growing: digests of what is read and, in the same go, its decoded form
 * with digests of its own. Runs in a worker thread; memory stays flat.
 */
import { once } from 'node:events';
import { abortError, fsError, PcamError, startWorker } from '../core/index.js';
import type { FromWorker, PassRequest, PassResult, ToWorker } from './protocol.js';

export type { DecodeProblem, DigestName, Digests, PassOutput, PassRequest, PassResult } from './protocol.js';

export interface PassOptions extends PassRequest {
  signal: AbortSignal;
  onProgress?: (read: number, written: number) => void;
}

/** A pass under way. */
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

/** The input is not what it was: somebody cut, removed or overwrote it while it was read. */
export class InputChanged extends PcamError {
  constructor(message: string, code: 'IO' | 'MISSING' = 'IO') {
    super(code, message, {
      hint: 'make sure that no other process writes to the folder, then run it again',
    });
  }
}

export function startPass({ signal, onProgress, ...request }: PassOptions): Pass {
  const worker = startWorker('pass/worker.js', { workerData: request satisfies PassRequest });
  const exited = once(worker, 'exit').catch(() => {});
  const result = new Promise<PassResult>((resolve, reject) => {
    worker.on('message', (message: FromWorker) => {
      if (message.type === 'progress') onProgress?.(message.read, message.written);
      else if (message.type === 'done') resolve(message.result);
      else reject(failure(message));
    });
    worker.on('error', (cause) => {
      reject(new PcamError('INTERNAL', `the pass over ${request.input} failed: ${cause.message}`, { cause }));
    });
    worker.on('exit', () => reject(new PcamError('INTERNAL', `the pass over ${request.input} ended early`)));
  });
  result.catch(() => {}); // whoever calls end() hears of it
  const stop = async () => {
    signal.removeEventListener('abort', onAbort);
    await worker.terminate();
    await exited;
  };
  const onAbort = () => void worker.terminate();
  signal.addEventListener('abort', onAbort, { once: true });
  const tell = (message: ToWorker) => worker.postMessage(message);
  return {
    failed: result,
    available: (bytes) => tell({ type: 'available', bytes }),
    end: async (bytes) => {
      tell({ type: 'end', bytes });
      try {
        return await result;
      } catch (error) {
        throw signal.aborted ? abortError(signal) : error;
      } finally {
        signal.removeEventListener('abort', onAbort);
      }
    },
    stop,
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

function failure({ code, message, doing }: Extract<FromWorker, { type: 'failed' }>): Error {
  if (code === 'SHORT') return new InputChanged(`${message} while ${doing}`);
  if (code === 'ENOENT' && doing.startsWith('reading ')) {
    return new InputChanged(`a file went missing while ${doing}`, 'MISSING');
  }
  return fsError(Object.assign(new Error(message), code ? { code } : {}), doing);
}
