/** `--limit-rate`: one budget of bytes a second for all connections together. */
import { abortError, type Clock } from '../core/index.js';

export interface RateLimit {
  /** Waits until `bytes` may be taken. */
  take(bytes: number, signal: AbortSignal): Promise<void>;
}

export const UNLIMITED: RateLimit = { take: async () => {} };

/** @param bytesPerSecond more than 0 */
export function rateLimit(bytesPerSecond: number, clock: Clock): RateLimit {
  // The moment at which all that was taken so far has been paid for.
  let paidUntil = clock.now();
  return {
    take: async (bytes, signal) => {
      const now = clock.now();
      // An idle time of up to a tenth of a second may be made up for, so that bursts do not cost speed.
      paidUntil = Math.max(paidUntil, now - 100) + (bytes / bytesPerSecond) * 1000;
      const wait = paidUntil - now;
      if (wait > 0) await sleep(wait, clock, signal);
    },
  };
}

/** How often a lane that waits for the pass looks again (ms). */
const LOOK_EVERY = 20;

/**
 * Keeps the transfer from running away from what comes behind it: on a network faster than digests and gunzip, the
 * file would be in place long after its last byte, and the bytes between would crowd everything else out of memory.
 * @param ahead bytes that are there and not yet processed; only those, or waiting could be for ever
 * @param most bytes that the transfer may be ahead
 */
export function keepingPace(limit: RateLimit, clock: Clock, ahead: () => number, most: number): RateLimit {
  return {
    take: async (bytes, signal) => {
      await limit.take(bytes, signal);
      while (ahead() > most) await sleep(LOOK_EVERY, clock, signal);
    },
  };
}

/** @throws PcamError ABORTED */
export function sleep(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(abortError(signal));
    const onAbort = () => {
      cancel();
      reject(abortError(signal));
    };
    const cancel = clock.after(ms, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
