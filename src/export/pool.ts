/** Worker threads that take jobs until there are none, and all stop at the first failure. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { abortError, messageOf, PcamError } from '../errors.js';
import type { FromWorker, Job, JobResult, WorkerSetup } from './protocol.js';

export interface PoolOptions {
  jobs: readonly Job[];
  /** Threads, at most one a job. */
  workers: number;
  setup: Omit<WorkerSetup, 'stop'>;
  signal?: AbortSignal;
  onProgress(job: Job, patches: number): void;
  /** Takes a result over. The worker goes on meanwhile, but by no more than one job. */
  onDone(job: Job, result: JobResult): Promise<void>;
}

/**
 * Runs all jobs.
 * @throws PcamError the first failure, when every worker has ended; ABORTED
 */
export async function runJobs({
  jobs,
  workers,
  setup,
  signal,
  onProgress,
  onDone,
}: PoolOptions): Promise<void> {
  const stop = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const stopAll = () => void Atomics.store(new Int32Array(stop), 0, 1);
  const queue = [...jobs];
  let failure: unknown;
  const work = async () => {
    const worker = new JobWorker({ ...setup, stop });
    let committing: Promise<void> = Promise.resolve();
    try {
      for (let job = queue.shift(); job && failure === undefined; job = queue.shift()) {
        const current = job;
        const result = await worker.run(current, (patches) => onProgress(current, patches));
        await committing;
        committing = onDone(current, result);
        committing.catch(() => {}); // heard of below
      }
      await committing;
    } catch (error) {
      failure ??= error;
      stopAll();
      await committing.catch(() => {});
    } finally {
      await worker.end();
    }
  };
  if (signal?.aborted) throw abortError(signal);
  signal?.addEventListener('abort', stopAll, { once: true });
  try {
    await Promise.all(Array.from({ length: Math.min(workers, jobs.length) }, work));
  } finally {
    signal?.removeEventListener('abort', stopAll);
  }
  if (signal?.aborted) throw abortError(signal);
  if (failure !== undefined) throw failure;
}

class JobWorker {
  readonly #worker: Worker;
  readonly #exited: Promise<unknown>;

  constructor(setup: WorkerSetup) {
    // The caller's --inspect or --loader flags are not for us.
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: setup, execArgv: [] });
    this.#exited = once(this.#worker, 'exit').catch(() => {});
  }

  run(job: Job, onProgress: (patches: number) => void): Promise<JobResult> {
    const worker = this.#worker;
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        worker.off('message', onMessage).off('error', onError).off('exit', onExit);
        act();
      };
      const onMessage = (message: FromWorker) => {
        if (message.type === 'progress') onProgress(message.patches);
        else if (message.type === 'done') settle(() => resolve(message.result));
        else settle(() => reject(revive(message)));
      };
      const onError = (cause: Error) =>
        settle(() =>
          reject(new PcamError('INTERNAL', `an export worker failed: ${messageOf(cause)}`, { cause })),
        );
      const onExit = () => settle(() => reject(new PcamError('INTERNAL', 'an export worker ended early')));
      worker.on('message', onMessage).on('error', onError).on('exit', onExit);
      worker.postMessage(job);
    });
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
    await this.#exited;
  }
}

function revive({ error, stack }: Extract<FromWorker, { type: 'failed' }>): PcamError {
  const { code, message, ...rest } = error;
  const revived = new PcamError(code, message, rest);
  if (stack) revived.stack = stack;
  return revived;
}
