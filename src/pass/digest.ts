/**
 * Digests of whole files. One rule on how many are read at once, for the whole process: a thread per core, the
 * largest file first, and none for a file that a thread would take longer to start than to read.
 */
import { availableParallelism } from 'node:os';
import { abortError, throwIfAborted } from '../core/index.js';
import { Thread } from '../threads/index.js';
import type { FromDigestWorker } from './digest-worker.js';
import { plainFailure, reviveFailure } from './failure.js';
import { type DigestRequest, digestThrough, type FileDigests } from './read-through.js';
import { SMALL } from './small.js';

export interface DigestOptions extends DigestRequest {
  signal: AbortSignal;
  onProgress?: (read: number) => void;
}

/**
 * @throws InputChanged when the file is cut or goes missing meanwhile; what the file system says; ABORTED
 */
export function digestFile(options: DigestOptions): Promise<FileDigests> {
  return options.bytes <= SMALL ? digestHere(options) : digestInThread(options);
}

async function digestHere({ signal, onProgress, ...request }: DigestOptions): Promise<FileDigests> {
  try {
    return await digestThrough(request, (read) => {
      throwIfAborted(signal);
      onProgress?.(read);
    });
  } catch (error) {
    throw signal.aborted ? abortError(signal) : reviveFailure(plainFailure(error));
  }
}

interface Waiting {
  readonly options: DigestOptions;
  readonly resolve: (digests: FileDigests) => void;
  readonly reject: (error: unknown) => void;
  readonly onAbort: () => void;
}

let queue: Waiting[] = [];
let threads = 0;

function digestInThread(options: DigestOptions): Promise<FileDigests> {
  return new Promise((resolve, reject) => {
    const { signal } = options;
    const onAbort = () => {
      queue = queue.filter((other) => other !== waiting);
      reject(abortError(signal));
    };
    const waiting: Waiting = { options, resolve, reject, onAbort };
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    queue.push(waiting);
    queue.sort((a, b) => b.options.bytes - a.options.bytes);
    if (threads < availableParallelism()) void work();
  });
}

/** One thread's life: as long as there are files. */
async function work(): Promise<void> {
  threads++;
  let thread: Thread<DigestRequest, FromDigestWorker> | undefined;
  // Those that are asked for in one go are all here by then, and the largest one begins.
  await Promise.resolve();
  try {
    for (let job = queue.shift(); job; job = queue.shift()) {
      job.options.signal.removeEventListener('abort', job.onAbort);
      thread ??= new Thread({
        script: 'pass/digest-worker.js',
        name: 'a thread that digests files',
        heap: { youngMB: 4 },
      });
      try {
        job.resolve(await digestIn(thread, job.options));
      } catch (error) {
        // It may be dead, or in the middle of a file.
        await thread.end();
        thread = undefined;
        job.reject(error);
      }
    }
  } finally {
    threads--;
    await thread?.end();
  }
}

function digestIn(
  thread: Thread<DigestRequest, FromDigestWorker>,
  { path, bytes, digests, signal, onProgress }: DigestOptions,
): Promise<FileDigests> {
  return new Promise<FileDigests>((resolve, reject) => {
    const onAbort = () => reject(abortError(signal));
    const settled = () => signal.removeEventListener('abort', onAbort);
    signal.addEventListener('abort', onAbort, { once: true });
    thread.listen(
      (message) => {
        if (message.type === 'progress') return onProgress?.(message.read);
        settled();
        if (message.type === 'done') resolve(message.digested);
        else reject(reviveFailure(message.failure));
      },
      (death) => {
        settled();
        reject(death);
      },
    );
    thread.tell({ path, bytes, digests });
  });
}
