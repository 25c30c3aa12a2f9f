/** The bytes of a reply, with a watch over a body that stops coming. */
import { DEFAULTS } from '../core/index.js';
import { networkFailure, type Route, TookTooLong } from './network-error.js';

export interface WatchOptions {
  readonly route: Route;
  /** ms in which a body must bring at least `DEFAULTS.stallBytes`. */
  readonly stall: number;
  /** The caller's. */
  readonly signal: AbortSignal;
  /** Called once when the body has come to its end, and once when it is left or fails. */
  readonly onEnd: () => void;
  readonly onLeft: () => void;
}

/**
 * The chunks of a body, with a stall watch that counts only the time spent waiting for the network: while the
 * consumer writes, or keeps to a rate limit, the clock does not run.
 * @throws SourceFailure `passing` when the body breaks off or stalls
 */
export async function* watched(
  body: AsyncIterable<Uint8Array>,
  { route, stall, signal, onEnd, onLeft }: WatchOptions,
): AsyncGenerator<Uint8Array> {
  let stalled = false;
  let waited = 0;
  let bytes = 0;
  const iterator = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const since = performance.now();
      const timer = setTimeout(() => {
        stalled = true;
        onLeft();
      }, stall - waited);
      let next: IteratorResult<Uint8Array>;
      try {
        next = await iterator.next();
      } finally {
        clearTimeout(timer);
      }
      if (next.done) return onEnd();
      waited += performance.now() - since;
      bytes += next.value.length;
      if (bytes >= DEFAULTS.stallBytes) waited = bytes = 0;
      yield next.value;
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw networkFailure(stalled ? new TookTooLong(stall) : error, 'body', route);
  } finally {
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
