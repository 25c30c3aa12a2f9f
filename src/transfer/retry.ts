/** The whole retry policy: what failed, and how often, to milliseconds of rest; 0 means stop. */
import { DEFAULTS } from '../options.js';
import type { FailureKind } from './failure.js';

/** Tries after the first one that each kind of failure gets, in a row, with no progress between. */
const RETRIES: Record<FailureKind, number> = {
  passing: DEFAULTS.retries,
  busy: DEFAULTS.retries,
  refused: 2,
  wrong: 0,
};

/** How long sources rest, and how long a file waits for them (ms). */
export interface Rests {
  /** @default 500 */
  first: number;
  /** @default 30000 */
  longest: number;
  /** Longest that a file waits for a resting source when no other one can deliver it. @default 120000 */
  patience: number;
}

export interface RestInput {
  kind: FailureKind;
  /** Failures in a row, this one included: 1 or more. */
  failures: number;
  /** What the server asked for (ms). */
  retryAfter?: number;
  /** 0 to 1. */
  random: number;
  rests?: Partial<Rests>;
}

/**
 * Backoff doubles from `firstRest` to `longestRest`, with jitter of up to half taken off, so that many clients do
 * not come back at once. A server's own `Retry-After` is obeyed, however long; who waits for it is the pool's choice.
 * @returns milliseconds to rest; 0: drop the source
 */
export function restAfter({ kind, failures, retryAfter, random, rests = {} }: RestInput): number {
  if (failures > RETRIES[kind]) return 0;
  const { first = DEFAULTS.firstRest, longest = DEFAULTS.longestRest } = rests;
  const backoff = Math.min(first * 2 ** (failures - 1), longest);
  const jittered = Math.max(1, Math.round(backoff * (1 - random / 2)));
  return Math.max(jittered, retryAfter ?? 0);
}

/**
 * `Retry-After` (RFC 9110, 10.2.3): seconds or an HTTP date; else GitHub's and Zenodo's `X-RateLimit-Reset`, in
 * epoch seconds. The caller asks on 429 and 503 alone: Zenodo sends the header with good replies too.
 * @returns milliseconds from now, or undefined where there is no usable header
 */
export function parseRetryAfter(
  headers: Readonly<Record<string, string | undefined>>,
  now: number,
): number | undefined {
  const text = headers['retry-after']?.trim();
  if (text !== undefined && text !== '') {
    if (/^\d{1,15}(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
    // Each of the three forms of an HTTP date begins with the day's name; Date.parse would take '-5' for a year.
    const date = /^[a-z]{3}/i.test(text) ? Date.parse(text) : Number.NaN;
    if (!Number.isNaN(date)) return Math.max(0, date - now);
  }
  const reset = headers['x-ratelimit-reset']?.trim();
  if (reset !== undefined && /^\d{1,12}$/.test(reset)) return Math.max(0, Number(reset) * 1000 - now);
  return undefined;
}
