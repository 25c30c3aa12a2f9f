/** What a transfer waits for on our side: a budget of bytes per second, and the digests that come behind it. */
import { abortError, type Clock } from '../core/index.js';

/**
 * Bytes are paid for before they are asked for. A server sends a reply as fast as it can into the buffers between the
 * two machines, several MB for each connection, whatever the reader does; only what was never asked for stays away.
 */
export interface RateLimit {
  /** Most bytes that one request should ask for now. */
  most(): number;
  /** Waits until `bytes` may be asked for. */
  take(bytes: number, signal: AbortSignal): Promise<void>;
  /** Gives back what was paid for and did not come. */
  refund(bytes: number): void;
}

export const UNLIMITED: RateLimit = {
  most: () => Number.POSITIVE_INFINITY,
  take: async () => {},
  refund: () => {},
};

/**
 * Shortest and longest time (ms) that one request may use up: short at the beginning, so that the limit holds from the
 * first second; longer later, for hosts count requests.
 */
const SHORTEST = 200;
const LONGEST = 2000;
/** An idle time of up to so much (ms) may be made up for, so that the gaps between requests do not cost speed. */
const IDLE = 100;

/** @param bytesPerSecond more than 0 */
export function rateLimit(bytesPerSecond: number, clock: Clock): RateLimit {
  const perMs = bytesPerSecond / 1000;
  const began = clock.now();
  // The moment at which all that was taken so far has been paid for.
  let paidUntil = began;
  return {
    most: () => {
      const ms = Math.min(Math.max((clock.now() - began) / 10, SHORTEST), LONGEST);
      return Math.max(1, Math.floor(perMs * ms));
    },
    take: async (bytes, signal) => {
      const now = clock.now();
      paidUntil = Math.max(paidUntil, now - IDLE) + bytes / perMs;
      const wait = paidUntil - now;
      if (wait > 0) await sleep(wait, clock, signal);
    },
    refund: (bytes) => {
      paidUntil -= bytes / perMs;
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

/** How often a lane that waits looks again (ms). */
const LOOK_EVERY = 20;

/** Waits, after a block was written, while too much lies unprocessed; undefined where there is nothing to wait for. */
export type Backlog = (signal: AbortSignal) => Promise<void> | undefined;

export const NO_BACKLOG: Backlog = () => undefined;

/**
 * On a network faster than digests and gunzip, the file would be in place long after its last byte, and the bytes
 * between would crowd everything else out of memory.
 * @param ahead bytes that are there and not yet processed; only those, or waiting could be for ever
 * @param most bytes that the transfer may be ahead
 */
export function backlogOf(ahead: () => number, most: number, clock: Clock): Backlog {
  return (signal) => (ahead() > most ? waitWhile(() => ahead() > most, clock, signal) : undefined);
}

/** @throws PcamError ABORTED */
export async function waitWhile(condition: () => boolean, clock: Clock, signal: AbortSignal): Promise<void> {
  while (condition()) await sleep(LOOK_EVERY, clock, signal);
}
