/** The rate limit, by a clock that the test moves. */
import { describe, expect, it } from 'vitest';
import { rateLimit, sleep, UNLIMITED } from '#pcam/transfer/limit.js';
import { settle, TestClock } from '../support/clock.js';
import { pcamError } from '../support/outcome.js';

const { signal } = new AbortController();

describe('rateLimit', () => {
  it('lets through so many bytes per second, whichever request takes them', async () => {
    const clock = new TestClock();
    const limit = rateLimit(1000, clock);
    let taken = 0;
    const lane = async () => {
      for (let i = 0; i < 50; i++) {
        await limit.pay(100, signal);
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
    const take = limit.pay(1000, signal).then(() => {
      taken = true;
    });
    await clock.advance(800);
    expect(taken).toBe(false);
    await clock.advance(200);
    await take;
  });

  it('stops waiting on abort, and leaves no timer', async () => {
    const clock = new TestClock();
    const stop = new AbortController();
    const wait = pcamError(rateLimit(1, clock).pay(1000, stop.signal));
    await settle();
    stop.abort();
    expect((await wait).code).toBe('ABORTED');
    expect(clock.waiting).toBe(0);
    expect((await pcamError(sleep(1, clock, stop.signal))).code).toBe('ABORTED');
  });

  it('lets one request ask for little at first, and for two seconds later', async () => {
    const clock = new TestClock();
    const limit = rateLimit(1000, clock);
    expect(limit.maxRequest()).toBe(200);
    await clock.advance(10_000);
    expect(limit.maxRequest()).toBe(1000);
    await clock.advance(60_000);
    expect(limit.maxRequest()).toBe(2000);
    expect(rateLimit(0.5, clock).maxRequest()).toBe(1);
    expect(UNLIMITED.maxRequest()).toBe(Number.POSITIVE_INFINITY);
  });

  it('never lets more be asked for than was paid for, from the first moment', async () => {
    const clock = new TestClock();
    const limit = rateLimit(1000, clock);
    let asked = 0;
    const lane = async () => {
      while (asked < 30_000) {
        const bytes = limit.maxRequest();
        await limit.pay(bytes, signal);
        asked += bytes;
        expect(asked).toBeLessThanOrEqual(clock.now() + 1);
      }
    };
    const lanes = Promise.all([lane(), lane(), lane()]);
    await clock.advance(40_000);
    await lanes;
  });

  it('has no more paid for in advance than two seconds allow', () => {
    const limit = rateLimit(1000, new TestClock());
    expect([limit.prepaid(1500), limit.prepaid(100_000)]).toEqual([1500, 2000]);
    expect(UNLIMITED.prepaid(100)).toBe(0);
  });

  it('gives back what did not come', async () => {
    const clock = new TestClock();
    const limit = rateLimit(1000, clock);
    const first = limit.pay(500, signal);
    await clock.advance(500);
    await first;
    limit.refund(100);
    let taken = false;
    const second = limit.pay(100, signal).then(() => {
      taken = true;
    });
    await settle();
    expect(taken).toBe(true);
    await second;
  });

  it('costs nothing where there is no limit', async () => {
    await UNLIMITED.pay(1e12, signal);
  });
});
