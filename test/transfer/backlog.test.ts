/** The transfer waits for what comes behind it, by a clock that the test holds. */
import { describe, expect, it } from 'vitest';
import { backlogOf } from '#pcam/transfer/backlog.js';
import { settle, TestClock } from '../support/clock.js';
import { pcamError } from '../support/outcome.js';

const { signal } = new AbortController();

describe('backlogOf', () => {
  it('waits while too much lies unprocessed, and no longer', async () => {
    const clock = new TestClock();
    let ahead = 101;
    let taken = false;
    const backlog = backlogOf(() => ahead, 100, clock);
    const take = backlog(signal)!.then(() => {
      taken = true;
    });
    await clock.advance(1000);
    expect(taken).toBe(false);
    ahead = 100;
    await clock.advance(20);
    expect(taken).toBe(true);
    await take;
    expect(backlog(signal)).toBeUndefined();
    expect(clock.waiting).toBe(0);
  });

  it('stops waiting when told to, and leaves no timer', async () => {
    const clock = new TestClock();
    const stop = new AbortController();
    const wait = pcamError(backlogOf(() => 2, 1, clock)(stop.signal)!);
    await settle();
    stop.abort();
    expect((await wait).code).toBe('ABORTED');
    expect(clock.waiting).toBe(0);
  });
});
