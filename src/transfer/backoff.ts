/** The whole retry policy: what failed, and how often, to milliseconds to pause; 0 means stop. */
import { DEFAULTS } from '../core/index.js';
import type { FailureKind } from '../net/index.js';

/** Tries after the first one that each kind of failure gets, in a row, with no progress between. */
const RETRIES: Record<FailureKind, number> = {
  passing: DEFAULTS.retries,
  busy: DEFAULTS.retries,
  refused: 2,
  wrong: 0,
};

/** How long sources pause, and how long a file waits for them (ms). */
export interface Pauses {
  /** @default 500 */
  first: number;
  /** @default 30000 */
  longest: number;
  /** Longest that a file waits for a paused source when no other one can deliver it. @default 120000 */
  patience: number;
}

export interface PauseInput {
  kind: FailureKind;
  /** Failures in a row, this one included: 1 or more. */
  failures: number;
  /** What the server asked for (ms). */
  retryAfter?: number;
  /** 0 to 1. */
  random: number;
  pauses?: Partial<Pauses>;
}

/**
 * Backoff doubles from `firstPause` to `longestPause`, with jitter of up to half taken off, so that many clients do
 * not come back at once. A server's own `Retry-After` is obeyed, however long; who waits for it is the pool's choice.
 * @returns milliseconds to pause; 0: drop the source
 */
export function pauseAfter({ kind, failures, retryAfter, random, pauses = {} }: PauseInput): number {
  if (failures > RETRIES[kind]) return 0;
  const { first = DEFAULTS.firstPause, longest = DEFAULTS.longestPause } = pauses;
  const backoff = Math.min(first * 2 ** (failures - 1), longest);
  const jittered = Math.max(1, Math.round(backoff * (1 - random / 2)));
  return Math.max(jittered, retryAfter ?? 0);
}
