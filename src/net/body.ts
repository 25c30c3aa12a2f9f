/** The bytes of a reply, with a watch over a body that stops coming. */
import { type Clock, DEFAULTS } from '../core/index.js';
import { networkFailure, type Route, TookTooLong } from './network-error.js';

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
    parts.push(chunk);
    length += chunk.length;
    if (length >= most) break;
  }
  return Buffer.concat(parts).subarray(0, most).toString('utf8');
}
