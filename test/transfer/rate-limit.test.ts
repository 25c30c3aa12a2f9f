/** --limit-rate, by a clock that the test holds. */
import { describe, expect, it } from 'vitest';
import { keepingPace, rateLimit, sleep, UNLIMITED } from '#pcam/transfer/rate-limit.js';
import { settle, TestClock } from '../support/clock.js';
import { pcamError } from '../support/outcome.js';

const { signal } = new AbortController();

describe('rateLimit', () => {
  it('lets through so many bytes a second, whoever takes them', async () => {
    const clock = new TestClock();
    const limit = rateLimit(1000, clock);
    let taken = 0;
    const lane = async () => {
      for (let i = 0; i < 50; i++) {
        await limit.take(100, signal);
        taken += 100;
      }
    };
    const lanes = Promise.all([lane(), lane()]);
    for (let second = 1; second <= 9; second++) {
      await clock.advance(1000);
      expect(taken).toBeGreaterThanOrEqual(second * 1000 - 200);
      expect(taken).toBeLessThanOrEqual(second * 1000 + 200);
    }
    await clock.advance(2000);
    await lanes;
  });

  it('does not save up what an idle time left unused', async () => {
    const clock = new TestClock();
    const limit = rateLimit(1000, clock);
    await clock.advance(60_000);
    let taken = false;
    const take = limit.take(1000, signal).then(() => {
      taken = true;
    });
    await clock.advance(800);
    expect(taken).toBe(false);
    await clock.advance(200);
    await take;
  });

  it('stops waiting when told to, and leaves no timer', async () => {
    const clock = new TestClock();
    const stop = new AbortController();
    const wait = pcamError(rateLimit(1, clock).take(1000, stop.signal));
    await settle();
    stop.abort();
    expect((await wait).code).toBe('ABORTED');
    expect(clock.waiting).toBe(0);
    expect((await pcamError(sleep(1, clock, stop.signal))).code).toBe('ABORTED');
  });

  it('costs nothing where there is no limit', async () => {
    await UNLIMITED.take(1e12, signal);
  });
});

describe('keepingPace', () => {
  it('waits while too much lies unprocessed, and no longer', async () => {
    const clock = new TestClock();
    let ahead = 101;
    let taken = false;
    const limit = keepingPace(UNLIMITED, clock, () => ahead, 100);
    const take = limit.take(1, signal).then(() => {
      taken = true;
    });
    await clock.advance(1000);
    expect(taken).toBe(false);
    ahead = 100;
    await clock.advance(20);
    expect(taken).toBe(true);
    await take;
    expect(clock.waiting).toBe(0);
  });

  it('stops waiting when told to, and leaves no timer', async () => {
    const clock = new TestClock();
    const stop = new AbortController();
    const wait = pcamError(keepingPace(UNLIMITED, clock, () => 2, 1).take(1, stop.signal));
    await settle();
    stop.abort();
    expect((await wait).code).toBe('ABORTED');
    expect(clock.waiting).toBe(0);
  });
});
