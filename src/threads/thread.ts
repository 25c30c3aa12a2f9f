/** A worker thread with an owner: messages in and out, one way to die, and an end that is waited for. */
import { once } from 'node:events';
import { Worker as NodeWorker } from 'node:worker_threads';
import { localError, messageOf, PcamError, workerCode } from '../core/index.js';
import type { Worker } from './types.js';

export interface ThreadOptions {
  /** Its script below the root of the code, such as `pass/worker.js`. */
  script: string;
  /** What the script finds as `workerData`. */
  data?: unknown;
  /** For messages: "the pass over x.h5". */
  name: string;
  /** Most memory of the JavaScript heap. @default V8's own choice */
  heap?: { youngMB?: number; oldMB?: number };
  /** Discard what the thread prints. @default false */
  silent?: boolean;
}

/** @template In what the thread is sent, @template Out what it sends */
export class Thread<In, Out> implements Worker<In, Out> {
  readonly #worker: NodeWorker;
  readonly #exited: Promise<unknown>;
  #death: PcamError | undefined;
  #onMessage: (message: Out) => void = () => {};
  #onDeath: (error: PcamError) => void = () => {};

  constructor({ script, data, name, heap = {}, silent = false }: ThreadOptions) {
    const { code, ...how } = workerCode(script);
    const worker = new NodeWorker(code, {
      ...how,
      workerData: data,
      // The caller's --inspect or --loader flags are not for us.
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: heap.youngMB, maxOldGenerationSizeMb: heap.oldMB },
      stdout: silent,
      stderr: silent,
    });
    this.#worker = worker;
    this.#exited = once(worker, 'exit').catch(() => {});
    worker.on('message', (message: Out) => this.#onMessage(message));
    worker.on('error', (cause) => this.#die(`${name} failed: ${messageOf(cause)}`, cause));
    worker.on('exit', () => this.#die(`${name} ended early`));
  }

  listen(onMessage: (message: Out) => void, onDeath: (error: PcamError) => void): void {
    this.#onMessage = onMessage;
    this.#onDeath = onDeath;
    if (this.#death) onDeath(this.#death);
  }

  tell(message: In): void {
    this.#worker.postMessage(message);
  }

  async end(): Promise<void> {
    this.#onMessage = () => {};
    this.#onDeath = () => {};
    await this.#worker.terminate();
    await this.#exited;
  }

  #die(message: string, cause?: unknown): void {
    if (this.#death) return;
    this.#death = localError(cause) ?? new PcamError('INTERNAL', message, { cause });
    this.#onDeath(this.#death);
  }
}
