/** Worker threads that take jobs until there are none, and all stop at the first failure. */
import { abortError, fromPlain } from '../../core/index.js';
import { Thread } from '../../threads/index.js';
import type { FromWorker, Job, JobResult, WorkerSetup } from './protocol.js';

/** What dies young here is small; V8's own choice costs each thread 20 MB more for no speed. */
const YOUNG_MB = 8;

export interface RunOptions {
  jobs: readonly Job[];
  signal?: AbortSignal;
  onProgress(job: Job, patches: number): void;
  /** Takes a result over. The worker continues meanwhile, but by no more than one job. */
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
          committing.catch(() => {}); // handled below
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
  readonly #thread: Thread<Job, FromWorker>;

  constructor(setup: WorkerSetup) {
    this.#thread = new Thread({
      script: 'export/workers/worker.js',
      data: setup,
      name: 'an export worker',
      heap: { youngMB: YOUNG_MB },
    });
  }

  /** A thread that died before it had a job is noticed here. */
  run(job: Job, onProgress: (patches: number) => void): Promise<JobResult> {
    return new Promise((resolve, reject) => {
      this.#thread.listen((message) => {
        if (message.type === 'progress') onProgress(message.patches);
        else if (message.type === 'done') resolve(message.result);
        else reject(fromPlain(message.error));
      }, reject);
      this.#thread.tell(job);
    });
  }

  end(): Promise<void> {
    return this.#thread.end();
  }
}
