/**
 * The worker pool. A job runs in a worker thread, or in the calling thread where its work takes less time than a
 * thread needs to start; the caller cannot tell the difference.
 */
import { once, setMaxListeners } from 'node:events';
import { Worker } from 'node:worker_threads';
import pLimit from 'p-limit';
import { abortError, localError, PcamError, throwIfAborted, workerCode } from '../core/index.js';
import { type FromWorker, Inbox, type Job, jobError, receiveError, type ToWorker } from './job.js';

/**
 * Limits of each thread's JavaScript heap. What dies young in a job is small, and V8's own choice costs 20 MB more
 * per thread for no speed. Pixels lie outside of the heap.
 */
const MAX_YOUNG_HEAP_MB = 8;
const MAX_OLD_HEAP_MB = 512;

export interface RunOptions<Progress> {
  signal?: AbortSignal;
  onProgress?(progress: Progress): void;
}

export interface RunningJob<Result, Message> {
  /**
   * Settles when nothing of the job is left running.
   * @throws whatever the job throws: PcamError for what the system caused; IO when its thread ran out of memory;
   *   ABORTED
   */
  readonly result: Promise<Result>;
  /** Ignored once the job has ended. */
  send(message: Message): void;
}

interface JobCall {
  readonly job: Job<unknown, unknown, unknown, unknown>;
  readonly input: unknown;
  readonly inbox: Inbox<unknown>;
  readonly signal: AbortSignal;
  onProgress(progress: unknown): void;
}

/** Runs jobs. Threads start when jobs need them, and end when no job waits: there is nothing to close. */
export class Pool {
  readonly #workers: number;
  readonly #limit: ReturnType<typeof pLimit>;
  readonly #idle: JobThread[] = [];

  /** @param workers most threads, each with one job at a time; 0: one job at a time in the calling thread */
  constructor(workers: number) {
    this.#workers = workers;
    this.#limit = pLimit(Math.max(1, workers));
  }

  /** Runs a job that needs no messages; see `RunningJob.result`. */
  run<Input, Result, Progress>(
    job: Job<Input, Result, Progress>,
    input: Input,
    options?: RunOptions<Progress>,
  ): Promise<Result> {
    return this.start(job, input, options).result;
  }

  start<Input, Result, Progress, Message>(
    job: Job<Input, Result, Progress, Message>,
    input: Input,
    { signal = new AbortController().signal, onProgress = () => {} }: RunOptions<Progress> = {},
  ): RunningJob<Result, Message> {
    const inbox = new Inbox<unknown>();
    const call = { job, input, inbox, signal, onProgress } as JobCall;
    const result = this.#limit(() => (this.#workers === 0 ? runHere(call) : this.#runInThread(call)));
    return { result: result as Promise<Result>, send: (message) => inbox.put(message) };
  }

  async #runInThread(call: JobCall): Promise<unknown> {
    throwIfAborted(call.signal);
    const thread = this.#idle.pop() ?? new JobThread(workerCode('worker.js'));
    let failed = true;
    try {
      const result = await thread.run(call);
      failed = false;
      return result;
    } finally {
      if (failed || this.#limit.pendingCount === 0) await thread.end();
      else this.#idle.push(thread);
    }
  }
}

async function runHere({ job, input, inbox, signal, onProgress }: JobCall): Promise<unknown> {
  throwIfAborted(signal);
  try {
    const context = {
      signal,
      report: onProgress,
      onMessage: (handler: (message: unknown) => void) => inbox.listen(handler),
    };
    const result = await job.run(input, context);
    throwIfAborted(signal);
    return result;
  } catch (error) {
    throw signal.aborted ? abortError(signal) : jobError(error, job.doing(input));
  }
}

/** A worker thread that runs one job at a time. */
export class JobThread {
  readonly #worker: Worker;
  readonly #exited: Promise<unknown>;
  #death: { cause?: unknown } | undefined;
  #onMessage: (message: FromWorker) => void = () => {};
  #onDeath: () => void = () => {};

  constructor({ code, eval: isText }: { code: string | URL; eval: boolean }) {
    this.#worker = new Worker(code, {
      eval: isText,
      // The caller's --inspect or --loader flags are not meant for threads.
      execArgv: [],
      resourceLimits: {
        maxYoungGenerationSizeMb: MAX_YOUNG_HEAP_MB,
        maxOldGenerationSizeMb: MAX_OLD_HEAP_MB,
      },
      // Whatever a library prints about a bad file is not for the user.
      stdout: true,
      stderr: true,
    });
    this.#exited = once(this.#worker, 'exit').catch(() => {});
    this.#worker.on('message', (message: FromWorker) => this.#onMessage(message));
    this.#worker.on('error', (cause) => this.#die(cause));
    this.#worker.on('exit', () => this.#die());
  }

  /** Ends the thread on abort: a busy one receives no messages. */
  async run({ job, input, inbox, signal, onProgress }: JobCall): Promise<unknown> {
    const post = (message: ToWorker) => this.#worker.postMessage(message);
    const onAbort = () => void this.end();
    // Older Node.js warns of a leak where more than ten listen to one signal: https://github.com/nodejs/node/pull/55816
    setMaxListeners(0, signal);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await new Promise((resolve, reject) => {
        this.#onMessage = (message) => {
          if (message.type === 'progress') onProgress(message.progress);
          else if (message.type === 'done') resolve(message.result);
          else reject(receiveError(message));
        };
        this.#onDeath = () => reject(deathError(this.#death?.cause, job.doing(input)));
        if (this.#death) this.#onDeath();
        post({ type: 'run', name: job.name, input });
        inbox.listen((message) => post({ type: 'message', message }));
      });
    } catch (error) {
      throw signal.aborted ? abortError(signal) : error;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#onMessage = () => {};
      inbox.listen(() => {});
    }
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
    await this.#exited;
  }

  #die(cause?: unknown): void {
    this.#death ??= { cause };
    this.#onDeath();
  }
}

function deathError(cause: unknown, doing: string): unknown {
  if ((cause as NodeJS.ErrnoException | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return new PcamError('IO', `a thread used up its ${MAX_OLD_HEAP_MB} MB of memory while ${doing}`, {
      cause,
      hint: 'do less at once: smaller shards, or fewer patches',
      options: ['shardSize'],
    });
  }
  return localError(cause) ?? cause ?? new PcamError('INTERNAL', `a thread ended while ${doing}`);
}

/**
 * Waits for all calls; the first failure aborts the others, and is thrown when they have ended.
 * @param begin starts the calls with the signal to stop them by
 */
export async function runTogether<T extends readonly unknown[]>(
  signal: AbortSignal,
  begin: (signal: AbortSignal) => readonly [...{ [I in keyof T]: Promise<T[I]> }],
): Promise<T> {
  const stop = new AbortController();
  const calls = begin(AbortSignal.any([signal, stop.signal]));
  try {
    const results = (await Promise.all(calls)) as unknown as T;
    throwIfAborted(signal);
    return results;
  } catch (error) {
    stop.abort();
    await Promise.allSettled(calls);
    throw error;
  }
}
