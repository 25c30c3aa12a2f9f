/** A budget of bytes per second for all requests of a run, and a wait that an abort ends. */
import { abortError, type Clock } from '../core/index.js';

/**
 * Bytes are paid for before they are requested. A server sends a reply as fast as it can into the buffers between the
 * two machines, several MB for each connection, whatever the reader does; only what was never requested stays away.
 */
export interface RateLimit {
  /** Maximum bytes of one request now. */
  maxRequest(): number;
  /** Bytes of a request that are paid for before it is sent; the rest is paid for while it is read. */
  prepaid(bytes: number): number;
  /** Waits until `bytes` are paid for. */
  pay(bytes: number, signal: AbortSignal): Promise<void>;
  /** Returns what was paid for and did not come. */
  refund(bytes: number): void;
}

export const UNLIMITED: RateLimit = {
  maxRequest: () => Number.POSITIVE_INFINITY,
  prepaid: () => 0,
  pay: async () => {},
  refund: () => {},
};

/**
 * Time (ms) that one request may use up: little at the beginning, so that the limit holds from the first second; more
 * later, because hosts count requests.
 */
const MIN_REQUEST_MS = 200;
const MAX_REQUEST_MS = 2000;
/** Idle time (ms) that may be made up for, so that the gaps between requests do not cost speed. */
const MAX_IDLE_MS = 100;

/** @param bytesPerSecond more than 0 */
export function rateLimit(bytesPerSecond: number, clock: Clock): RateLimit {
  const perMs = bytesPerSecond / 1000;
  const began = clock.now();
  let paidUntil = began;
  return {
    maxRequest: () => {
      const ms = Math.min(Math.max((clock.now() - began) / 10, MIN_REQUEST_MS), MAX_REQUEST_MS);
      return Math.max(1, Math.floor(perMs * ms));
    },
    prepaid: (bytes) => Math.min(bytes, Math.ceil(perMs * MAX_REQUEST_MS)),
    pay: async (bytes, signal) => {
      const now = clock.now();
      paidUntil = Math.max(paidUntil, now - MAX_IDLE_MS) + bytes / perMs;
      if (paidUntil > now) await sleep(paidUntil - now, clock, signal);
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
