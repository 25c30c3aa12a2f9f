/** Worker threads that take jobs until there are none, and all stop at the first failure. */
import type { Worker } from 'node:worker_threads';
import { abortError, messageOf, PcamError, startWorker } from '../../core/index.js';
import type { FromWorker, Job, JobResult, WorkerSetup } from './protocol.js';

/** What dies young here is small; V8's own choice costs each thread 20 MB more for no speed. */
const YOUNG_MB = 8;

export interface RunOptions {
  jobs: readonly Job[];
  signal?: AbortSignal;
  onProgress(job: Job, patches: number): void;
  /** Takes a result over. The worker goes on meanwhile, but by no more than one job. */
  onDone(job: Job, result: JobResult): Promise<void>;
}

/** Some threads. They start at once, so that loading and compiling is over when there is work. */
export class Crew {
  readonly #stop = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  readonly #workers: JobWorker[];

  constructor({ workers, setup }: { workers: number; setup: Omit<WorkerSetup, 'stop'> }) {
    this.#workers = Array.from({ length: workers }, () => new JobWorker({ ...setup, stop: this.#stop }));
  }

  /**
   * Runs all jobs.
   * @throws PcamError the first failure, when every worker has stopped; ABORTED
   */
  async run({ jobs, signal, onProgress, onDone }: RunOptions): Promise<void> {
    const queue = [...jobs];
    const stopAll = () => void Atomics.store(new Int32Array(this.#stop), 0, 1);
    let failure: unknown;
    const work = async (worker: JobWorker) => {
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
      }
    };
    if (signal?.aborted) throw abortError(signal);
    signal?.addEventListener('abort', stopAll, { once: true });
    await Promise.all(this.#workers.splice(jobs.length).map((spare) => spare.end()));
    try {
      await Promise.all(this.#workers.map(work));
    } finally {
      signal?.removeEventListener('abort', stopAll);
    }
    if (signal?.aborted) throw abortError(signal);
    if (failure !== undefined) throw failure;
  }

  /** Ends the threads, whatever they are doing. */
  async end(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.end()));
  }
}

class JobWorker {
  readonly #worker: Worker;
  readonly #exited: Promise<unknown>;
  #death: PcamError | undefined;
  #onDeath: (() => void) | undefined;

  constructor(setup: WorkerSetup) {
    this.#worker = startWorker('export/workers/worker.js', {
      workerData: setup,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    });
    this.#exited = new Promise((resolve) => this.#worker.once('exit', resolve));
    // A thread that dies before it has a job is noticed when it is given one.
    this.#worker.on('error', (cause) => {
      this.#death ??= new PcamError('INTERNAL', `an export worker failed: ${messageOf(cause)}`, { cause });
    });
    this.#worker.once('exit', () => {
      this.#death ??= new PcamError('INTERNAL', 'an export worker ended early');
      this.#onDeath?.();
    });
  }

  run(job: Job, onProgress: (patches: number) => void): Promise<JobResult> {
    const worker = this.#worker;
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        worker.off('message', onMessage);
        this.#onDeath = undefined;
        act();
      };
      const onMessage = (message: FromWorker) => {
        if (message.type === 'progress') onProgress(message.patches);
        else if (message.type === 'done') settle(() => resolve(message.result));
        else settle(() => reject(revive(message)));
      };
      this.#onDeath = () => settle(() => reject(this.#death));
      worker.on('message', onMessage);
      if (this.#death) this.#onDeath();
      else worker.postMessage(job);
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
