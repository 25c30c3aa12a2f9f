/** How long a source pauses, and what a server can say about it. */
import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '#pcam/core/defaults.js';
import type { FailureKind } from '#pcam/net/failure.js';
import { parseRetryAfter } from '#pcam/net/failure.js';
import { pauseAfter } from '#pcam/transfer/backoff.js';

describe('pauseAfter', () => {
  const pauses = (kind: FailureKind, random: number) =>
    Array.from({ length: 8 }, (_, i) => pauseAfter({ kind, failures: i + 1, random }));

  it('doubles up to a bound, then stops', () => {
    expect(pauses('passing', 0)).toEqual([500, 1000, 2000, 4000, 8000, 0, 0, 0]);
  });

  it('takes off up to half, by chance', () => {
    expect(pauses('busy', 1)).toEqual([250, 500, 1000, 2000, 4000, 0, 0, 0]);
  });

  it('gives a refusal two more tries, and what is wrong none', () => {
    expect(pauses('refused', 0)).toEqual([500, 1000, 0, 0, 0, 0, 0, 0]);
    expect(pauses('wrong', 0)).toEqual(Array(8).fill(0));
  });

  it('waits as long as the server asks, and never less than its own rest', () => {
    expect(pauseAfter({ kind: 'busy', failures: 1, retryAfter: 86_400_000, random: 0 })).toBe(86_400_000);
    expect(pauseAfter({ kind: 'busy', failures: 1, retryAfter: 0, random: 0 })).toBe(DEFAULTS.firstPause);
  });
});

describe('parseRetryAfter', () => {
  const now = Date.parse('2026-01-02T03:04:05Z');

  it.each([
    ['seconds', { 'retry-after': '120' }, 120_000],
    ['seconds with a fraction', { 'retry-after': '1.5' }, 1500],
    ['no seconds', { 'retry-after': '0' }, 0],
    ['seconds with spaces', { 'retry-after': ' 7 ' }, 7000],
    ['a date', { 'retry-after': 'Fri, 02 Jan 2026 03:05:05 GMT' }, 60_000],
    ['a date that is over', { 'retry-after': 'Fri, 02 Jan 2026 03:00:00 GMT' }, 0],
    [
      'a date by the clock of a server that is a day ahead',
      { date: 'Sat, 03 Jan 2026 03:04:05 GMT', 'retry-after': 'Sat, 03 Jan 2026 03:05:05 GMT' },
      60_000,
    ],
    [
      'a date beside one that is none',
      { date: 'now', 'retry-after': 'Fri, 02 Jan 2026 03:05:05 GMT' },
      60_000,
    ],
    ['a date in the form of RFC 850', { 'retry-after': 'Friday, 02-Jan-26 03:05:05 GMT' }, 60_000],
    ['epoch seconds of the rate limit', { 'x-ratelimit-reset': String(now / 1000 + 30) }, 30_000],
    ['a rate limit that is over', { 'x-ratelimit-reset': String(now / 1000 - 30) }, 0],
    [
      'Retry-After before the rate limit',
      { 'retry-after': '1', 'x-ratelimit-reset': String(now / 1000 + 30) },
      1000,
    ],
    [
      'the rate limit behind nonsense',
      { 'retry-after': 'soon', 'x-ratelimit-reset': String(now / 1000 + 30) },
      30_000,
    ],
    ['nothing', {}, undefined],
    ['nonsense', { 'retry-after': 'soon' }, undefined],
    ['an empty header', { 'retry-after': '' }, undefined],
    ['a negative number', { 'retry-after': '-5' }, undefined],
    ['a number that is no time', { 'retry-after': '1e3' }, undefined],
  ])('reads %s', (_, headers, ms) => {
    expect(parseRetryAfter(headers, now)).toBe(ms);
  });
});
