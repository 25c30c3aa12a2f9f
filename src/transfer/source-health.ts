/** How a source is doing, for its host as a whole and for one file: paused, dropped, or ready. */
import { type Clock, systemCode } from '../core/index.js';
import type { SourceFailure } from '../net/index.js';
import { type Rests, restAfter } from './backoff.js';

export interface Health {
  /** Failures in a row without progress. */
  failures: number;
  restUntil: number;
  /** Why it is not asked any more. */
  dropped?: string;
  lastReason?: string;
  /** What can be done about it. */
  hint?: string;
  /** The system's code of the last failure. */
  lastCode?: string;
}

export interface FileHealth extends Health {
  /** Requests under way for this file. */
  active: number;
  /** The source sends the whole file whatever is asked: one request at a time is enough. */
  single: boolean;
  /** The source answers, and has no file of this name. */
  lacking: boolean;
}

export function newHealth(): Health {
  return { failures: 0, restUntil: 0 };
}

export function newFileHealth(): FileHealth {
  return { ...newHealth(), active: 0, single: false, lacking: false };
}

/** What a failure came to; undefined where it is one of several of the same cause. */
export type Consequence = { type: 'pause'; ms: number } | { type: 'drop' };

export function recordFailure(
  health: Health,
  { kind, retryAfter, message, cause }: SourceFailure,
  { clock, rests }: { clock: Clock; rests: Partial<Rests> },
): Consequence | undefined {
  const now = clock.now();
  health.lastReason = message;
  health.lastCode = systemCode(cause) || undefined;
  // A source at rest gets no new requests: those that were under way fail of the same cause, and count once.
  if (health.restUntil > now && kind !== 'wrong') {
    health.restUntil = Math.max(health.restUntil, now + (retryAfter ?? 0));
    return undefined;
  }
  health.failures++;
  const ms = restAfter({ kind, failures: health.failures, retryAfter, random: clock.random(), rests });
  if (ms === 0) {
    health.dropped = message;
    return { type: 'drop' };
  }
  health.restUntil = Math.max(health.restUntil, now + ms);
  return { type: 'pause', ms };
}
