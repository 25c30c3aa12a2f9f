/** The bytes of a reply: held back while their reader is busy, with a watch over a body that stops coming. */
import { type Clock, DEFAULTS } from '../core/index.js';
import { networkFailure, type Route, TookTooLong } from './network-error.js';

/** Most bytes that wait for a reader before the connection is paused. */
const MOST_WAITING = 256 * 1024;

/** How a connection is held back. */
export interface Flow {
  pause(): void;
  /** May deliver at once. */
  resume(): void;
}

interface BodyReader {
  resolve(result: IteratorResult<Uint8Array>): void;
  reject(error: unknown): void;
}

/** The chunks of one reply, from the connection to one reader. */
export class Arrivals implements AsyncIterableIterator<Uint8Array> {
  readonly #flow: Flow;
  readonly #lent: boolean;
  readonly #waiting: Uint8Array[] = [];
  #bytes = 0;
  #reader: BodyReader | undefined;
  #over: 'well' | { error: unknown } | undefined;

  /** @param lent chunks are memory that is used again: none must come before the reader is done with the last one */
  constructor(flow: Flow, lent: boolean) {
    this.#flow = flow;
    this.#lent = lent;
  }

  put(chunk: Uint8Array): void {
    if (chunk.length === 0) return; // so undici tells that it was resumed
    if (this.#reader) {
      this.#reader.resolve({ done: false, value: chunk });
      this.#reader = undefined;
    } else {
      this.#waiting.push(chunk);
      this.#bytes += chunk.length;
    }
    if (this.#lent || this.#bytes >= MOST_WAITING) this.#flow.pause();
  }

  /** What came before is still read. */
  end(how: 'well' | { error: unknown }): void {
    this.#over ??= how;
    if (this.#reader) this.#settle(this.#reader);
    this.#reader = undefined;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const chunk = this.#waiting.shift();
    if (chunk) {
      this.#bytes -= chunk.length;
      return Promise.resolve({ done: false, value: chunk });
    }
    return new Promise((resolve, reject) => {
      if (this.#over) return this.#settle({ resolve, reject });
      this.#reader = { resolve, reject };
      this.#flow.resume();
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #settle({ resolve, reject }: BodyReader): void {
    if (this.#over === 'well') resolve({ done: true, value: undefined });
    else reject(this.#over?.error);
  }
}

export interface WatchOptions {
  readonly route: Route;
  /** ms in which a body must deliver at least `DEFAULTS.stallBytes`. */
  readonly stall: number;
  readonly clock: Clock;
  /** The caller's. */
  readonly signal: AbortSignal;
  /** Called once when the body has come to its end, and once when it is left or fails. */
  readonly onEnd: () => void;
  readonly onLeft: () => void;
}

/** Shortest time (ms) after which a watch looks again. */
const LOOK_AFTER = 50;

/**
 * Counts the time that is spent waiting for the network, and calls once it has waited too long for too little. One
 * timer for a whole body: it looks now and then how long the wait has been, so that a chunk costs no timer.
 */
class StallWatch {
  #waited = 0;
  #bytes = 0;
  #since: number | undefined;
  #cancel: () => void = () => {};

  constructor(
    readonly clock: Clock,
    readonly stall: number,
    readonly onStall: () => void,
  ) {
    this.#look();
  }

  wait(): void {
    this.#since = this.clock.now();
  }

  came(bytes: number): void {
    this.#waited += this.clock.now() - (this.#since ?? this.clock.now());
    this.#since = undefined;
    this.#bytes += bytes;
    if (this.#bytes >= DEFAULTS.stallBytes) this.#waited = this.#bytes = 0;
  }

  stop(): void {
    this.#cancel();
  }

  #look(): void {
    const now = this.clock.now();
    const left = this.stall - this.#waited - (now - (this.#since ?? now));
    if (left <= 0) this.onStall();
    else this.#cancel = this.clock.after(Math.max(left, LOOK_AFTER), () => this.#look());
  }
}

/**
 * The chunks of a body, with a stall watch that counts only the time spent waiting for the network: while the
 * consumer writes, or keeps to a rate limit, the clock does not run.
 * @throws SourceFailure `passing` when the body breaks off or stalls
 */
export async function* watched(
  body: AsyncIterable<Uint8Array>,
  { route, stall, clock, signal, onEnd, onLeft }: WatchOptions,
): AsyncGenerator<Uint8Array> {
  let stalled = false;
  const watch = new StallWatch(clock, stall, () => {
    stalled = true;
    onLeft();
  });
  const iterator = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      watch.wait();
      const next = await iterator.next();
      if (next.done) return onEnd();
      watch.came(next.value.length);
      yield next.value;
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw networkFailure(stalled ? new TookTooLong(stall) : error, 'body', route);
  } finally {
    watch.stop();
    onLeft();
  }
}

/** The beginning of a body as text. */
export async function textOf(body: AsyncIterable<Uint8Array>, most: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    parts.push(Uint8Array.from(chunk));
    length += chunk.length;
    if (length >= most) break;
  }
  return Buffer.concat(parts).subarray(0, most).toString('utf8');
}
