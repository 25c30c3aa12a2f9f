/** Workers that take jobs until there are none, and all stop at the first failure. */
import { abortError, fromPlain } from '../../core/index.js';
import { Inline, Thread, type Worker } from '../../threads/index.js';
import type { FromExporter, Job, JobResult, WorkerSetup } from './protocol.js';
import { serveExport } from './shard-worker.js';

/** What dies young here is small; V8's own choice costs each thread 20 MB more for no speed. */
const YOUNG_MB = 8;

export interface CrewRun {
  jobs: readonly Job[];
  signal?: AbortSignal;
  onProgress(job: Job, patches: number): void;
  /** Takes a result over. The worker continues meanwhile, but by no more than one job. */
  onDone(job: Job, result: JobResult): Promise<void>;
}

/** Some threads, or one worker in this one. */
export class Crew {
  readonly #setup: WorkerSetup;
  #workers: JobWorker[] = [];

  constructor(setup: Omit<WorkerSetup, 'stop'>) {
    this.#setup = { ...setup, stop: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT) };
  }

  /**
   * Does nothing when it has begun.
   * @param threads how many; 0 where the work takes less time than a thread does to start
   */
  start(threads: number): void {
    if (this.#workers.length > 0) return;
    if (threads === 0) this.#workers = [new JobWorker(new Inline(serveExport, this.#setup))];
    else this.#workers = Array.from({ length: threads }, () => new JobWorker(startThread(this.#setup)));
  }

  /**
   * Runs all jobs, once it has begun.
   * @throws PcamError the first failure, when every worker has stopped; ABORTED
   */
  async run({ jobs, signal, onProgress, onDone }: CrewRun): Promise<void> {
    const queue = [...jobs];
    const stopAll = () => void Atomics.store(new Int32Array(this.#setup.stop), 0, 1);
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

function startThread(setup: WorkerSetup): Worker<Job, FromExporter> {
  return new Thread({
    script: 'export/workers/worker.js',
    data: setup,
    name: 'an export worker',
    heap: { youngMB: YOUNG_MB },
  });
}

class JobWorker {
  readonly #worker: Worker<Job, FromExporter>;

  constructor(worker: Worker<Job, FromExporter>) {
    this.#worker = worker;
  }

  /** A thread that died before it had a job is noticed here. */
  run(job: Job, onProgress: (patches: number) => void): Promise<JobResult> {
    return new Promise((resolve, reject) => {
      this.#worker.listen((message) => {
        if (message.type === 'progress') onProgress(message.patches);
        else if (message.type === 'done') resolve(message.result);
        else reject(fromPlain(message.error));
      }, reject);
      this.#worker.tell(job);
    });
  }

  end(): Promise<void> {
    return this.#worker.end();
  }
}
