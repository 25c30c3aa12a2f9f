/** Fetches all missing chunks of one file, over as many requests and sources as the pool allows. */
import { setMaxListeners } from 'node:events';
import { abortError, PcamError, throwIfAborted } from '../core/index.js';
import type { DatasetFile } from '../manifest/index.js';
import { SourceFailure } from '../net/index.js';
import { CHUNK_BYTES } from '../store/index.js';
import type { Lease } from './pool.js';
import { type Helper, position, Queue, type Request } from './queue.js';
import { Requester, type TransferOptions } from './request.js';

/** Progress that makes up for a source's earlier failures; less is one more failure. */
const MIN_PROGRESS_BYTES = 64 * 1024;
/** How often connections are measured against each other (ms). */
const MEASURE_EVERY = 250;
/** While no source has answered yet, another source is asked after this (ms). */
const HEDGE_AFTER = 500;
/** A request that was silent for so long (ms) when others had delivered its chunks is a failure of its source. */
const FAILED_AFTER = 5000;

/**
 * @throws PcamError NO_SOURCE when chunks are missing and no source can deliver them
 * @throws SourceChanged when a source's copy is not the one that its earlier chunks came from
 */
export async function transferFile(options: TransferOptions): Promise<void> {
  throwIfAborted(options.signal);
  if (options.sink.chunks.complete) return;
  await new Transfer(options).run();
}

class Transfer {
  readonly file: DatasetFile;
  readonly #options: TransferOptions;
  readonly #queue: Queue;
  readonly #requester: Requester;
  readonly #began: number;
  /** Ends all requests. */
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #requests = new Set<Promise<void>>();
  /** Until a reply has given the size, and shown whether ranges work, one request is enough. */
  #answered = false;
  #over = false;
  #complete: () => void = () => {};
  #fail: (error: unknown) => void = () => {};

  constructor(options: TransferOptions) {
    const { file, sink, clock, signal } = options;
    this.file = file;
    this.#options = options;
    this.#began = clock.now();
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
    setMaxListeners(0, this.#signal);
    this.#queue = new Queue(sink.chunks, () => sink.limit);
    this.#requester = new Requester({
      ...options,
      speeds: this.#queue.speeds,
      onReply: (source, ranged) => {
        if (!ranged) options.pool.markSingle(file, source);
        this.#answered = true;
        options.pool.dispatch();
      },
    });
  }

  async run(): Promise<void> {
    const { pool, signal } = this.#options;
    const onAbort = () => this.fail(abortError(signal));
    signal.addEventListener('abort', onAbort, { once: true });
    let leave = () => {};
    const cancelTimer = this.#measureLater();
    try {
      await new Promise<void>((resolve, reject) => {
        this.#complete = resolve;
        this.#fail = reject;
        leave = pool.join(this);
      });
    } finally {
      this.#over = true;
      cancelTimer();
      signal.removeEventListener('abort', onAbort);
      this.#stop.abort();
      leave();
      await Promise.allSettled(this.#requests);
    }
  }

  fail(error: unknown): void {
    this.#over = true;
    this.#fail(error);
  }

  sendRequest(): boolean {
    if (this.#over) return false;
    const { pool, clock } = this.#options;
    const sources = this.#sourcesToAsk();
    const now = clock.now();
    const connections = Math.max(1, pool.places(this.file));
    for (const id of sources) {
      const request = this.#queue.take(this.#helper(id), { now, connections });
      if (request) return this.#start(request);
    }
    const speed = (id: string) => this.#queue.speeds.of(id) ?? Number.MAX_VALUE;
    for (const id of sources.sort((a, b) => speed(b) - speed(a))) {
      const request = this.#queue.help(this.#helper(id), now);
      if (request) return this.#start(request);
    }
    return false;
  }

  /** Where no source has answered yet: one, then sources that were not asked, then all of them. */
  #sourcesToAsk(): string[] {
    const { pool, clock } = this.#options;
    const free = pool.free(this.file);
    if (this.#answered || this.#requests.size === 0) return free;
    const waited = clock.now() - this.#began;
    if (waited < HEDGE_AFTER) return [];
    const idle = free.filter((id) => pool.active(this.file, id) === 0);
    return idle.length > 0 || waited < FAILED_AFTER ? idle : free;
  }

  #helper(source: string): Helper {
    return {
      source,
      single: this.#requester.isSingle(source),
      maxBytes: this.#options.limit.maxRequest(),
    };
  }

  #start(request: Request): true {
    const lease = this.#options.pool.lease(this.file, request.source);
    const running: Promise<void> = this.#fetch(lease, request)
      .catch((error: unknown) => {
        if (!this.#over) this.fail(error);
      })
      .finally(() => this.#requests.delete(running));
    this.#requests.add(running);
    return true;
  }

  async #fetch(lease: Lease, request: Request): Promise<void> {
    const { sink } = this.#options;
    const own = new AbortController();
    const signal = AbortSignal.any([this.#signal, own.signal]);
    let overtaken = false;
    let failure: SourceFailure | undefined;
    let readToEnd = false;
    request.stop = () => {
      if (overtaken) return;
      overtaken = true;
      failure = this.#failureOfSilence(request);
      own.abort();
    };
    try {
      readToEnd = await this.#requester.send(lease.source, request, signal);
    } catch (error) {
      if (error instanceof SourceFailure) failure = error;
      else if (!isAbort(error, signal)) throw error;
    } finally {
      const got = position(request) - request.start;
      const asked = Math.min(request.end * CHUNK_BYTES, sink.chunks.size ?? Number.POSITIVE_INFINITY);
      const enough = got >= MIN_PROGRESS_BYTES || got * 4 >= asked - request.start;
      this.#queue.release(request);
      if (sink.chunks.complete) {
        this.#over = true;
        this.#complete();
      }
      // After an abort, a source has not failed.
      if (this.#signal.aborted) failure = undefined;
      lease.release({ progressed: got > 0 && (!failure || enough), failure, closed: !readToEnd });
      if (failure) this.#options.onFailure?.(failure);
    }
  }

  #failureOfSilence({ waitingSince }: Request): SourceFailure | undefined {
    const ms = waitingSince === undefined ? 0 : this.#options.clock.now() - waitingSince;
    if (ms < FAILED_AFTER) return undefined;
    const seconds = Math.round(ms / 1000);
    return new SourceFailure('passing', `it sent nothing for ${seconds} s, and others were faster`);
  }

  #measureLater(): () => void {
    const { clock, pool, onArriving } = this.#options;
    let cancel = () => {};
    const later = () => {
      cancel = clock.after(MEASURE_EVERY, () => {
        this.#queue.measure(clock.now());
        this.#queue.stopUseless();
        onArriving?.(this.#queue.arriving);
        pool.dispatch();
        later();
      });
    };
    later();
    return () => cancel();
  }
}

function isAbort(error: unknown, signal: AbortSignal): boolean {
  return (
    signal.aborted && (error === signal.reason || (error instanceof PcamError && error.code === 'ABORTED'))
  );
}
