/** The pool of sources, by a clock that the test moves: who is asked, who pauses, who is out. */
import { describe, expect, it } from 'vitest';
import type { PcamEvent } from '#pcam/core/events.js';
import { SourceFailure } from '#pcam/net/failure.js';
import type { Source } from '#pcam/sources/source.js';
import { type Lease, SourcePool } from '#pcam/transfer/source-pool.js';
import { settle, TestClock } from '../support/clock.js';
import { plainFile } from '../support/files.js';
import { pcamError } from '../support/outcome.js';

const one = plainFile('one.csv', Buffer.from('1')).file;
const two = plainFile('two.csv', Buffer.from('2')).file;
const { signal } = new AbortController();

function source(id: string, has = true): Source {
  return { id, type: 'http', has: () => has, open: () => Promise.reject(new Error('not here')) };
}

function pool(ids: (string | Source)[], { connections = 2, patience = 60_000 } = {}) {
  const clock = new TestClock();
  const events: PcamEvent[] = [];
  const sources = ids.map((id) => (typeof id === 'string' ? source(id) : id));
  const made = new SourcePool({
    sources,
    connections,
    clock,
    patience,
    onEvent: (event) => events.push(event),
  });
  return { pool: made, clock, events };
}

/** Whether a lease is there, without waiting for it. */
async function taken(lease: Promise<Lease>): Promise<string | undefined> {
  let id: string | undefined;
  lease.then(
    (given) => {
      id = given.source.id;
    },
    () => {},
  );
  await settle();
  return id;
}

const fail = (
  lease: Lease,
  kind: SourceFailure['kind'],
  more: { retryAfter?: number; wholeHost?: boolean } = {},
) => lease.release({ progressed: false, failure: new SourceFailure(kind, `${kind}!`, more) });

describe('SourcePool', () => {
  it('asks the preferred source until its places are taken, then the next', async () => {
    const { pool: p } = pool(['a', 'b']);
    const leases = await Promise.all([1, 2, 3, 4].map(() => p.lease(one, signal)));
    expect(leases.map((lease) => lease.source.id)).toEqual(['a', 'a', 'b', 'b']);
    const fifth = p.lease(one, signal);
    expect(await taken(fifth)).toBeUndefined();
    leases[0]!.release({ progressed: true });
    expect(await taken(fifth)).toBe('a');
  });

  it('counts the places of a source over all files', async () => {
    const { pool: p } = pool(['a'], { connections: 1 });
    const first = await p.lease(one, signal);
    const second = p.lease(two, signal);
    expect(await taken(second)).toBeUndefined();
    first.release({ progressed: true });
    expect(await taken(second)).toBe('a');
  });

  it('gives back a place once, however often it is released', async () => {
    const { pool: p } = pool(['a'], { connections: 1 });
    const first = await p.lease(one, signal);
    first.release({ progressed: true });
    first.release({ progressed: true });
    await p.lease(one, signal);
    expect(await taken(p.lease(one, signal))).toBeUndefined();
  });

  it('goes to another source while one pauses, and comes back to it', async () => {
    const { pool: p, clock, events } = pool(['a', 'b']);
    fail(await p.lease(one, signal), 'passing');
    expect(events).toEqual([{ type: 'pause', file: one.name, source: 'a', reason: 'passing!', ms: 500 }]);
    expect((await p.lease(one, signal)).source.id).toBe('b');
    await clock.advance(500);
    expect((await p.lease(one, signal)).source.id).toBe('a');
  });

  it('wakes who waits when the only source has rested', async () => {
    const { pool: p, clock } = pool(['a']);
    fail(await p.lease(one, signal), 'passing');
    const lease = p.lease(one, signal);
    await clock.advance(499);
    expect(await taken(lease)).toBeUndefined();
    await clock.advance(1);
    expect(await taken(lease)).toBe('a');
    expect(clock.waiting).toBe(0);
  });

  it('pauses a file or a whole host, as the failure says', async () => {
    const { pool: p } = pool(['a', 'b']);
    fail(await p.lease(one, signal), 'refused');
    expect((await p.lease(two, signal)).source.id).toBe('a');
    const { pool: q } = pool(['a', 'b']);
    fail(await q.lease(one, signal), 'busy', { wholeHost: true });
    expect((await q.lease(two, signal)).source.id).toBe('b');
  });

  it('counts what fails together as one failure', async () => {
    const { pool: p, events } = pool(['a', 'b']);
    const [x, y] = [await p.lease(one, signal), await p.lease(one, signal)];
    fail(x, 'refused');
    fail(y, 'refused');
    expect(events.map(({ type }) => type)).toEqual(['pause']);
  });

  it('drops at once what is wrong, though it pauses', async () => {
    const { pool: p, events } = pool(['a', 'b']);
    const [x, y] = [await p.lease(one, signal), await p.lease(one, signal)];
    fail(x, 'passing');
    fail(y, 'wrong');
    expect(events.map(({ type }) => type)).toEqual(['pause', 'drop']);
    expect(p.usable(one)).toEqual(['b']);
    expect(p.usable(two)).toEqual(['a', 'b']);
  });

  it('drops a source that fails again and again, unless it brought something between', async () => {
    const { pool: p, clock } = pool(['a']);
    for (let i = 0; i < 20; i++) {
      const lease = await p.lease(one, signal);
      lease.release({ progressed: true, failure: new SourceFailure('passing', 'cut') });
      await clock.advance(60_000);
    }
    expect(p.usable(one)).toEqual(['a']);
    for (let i = 0; i < 5; i++) {
      fail(await p.lease(one, signal), 'passing');
      await clock.advance(60_000);
    }
    const error = await pcamError(p.lease(one, signal));
    expect(error).toMatchObject({ code: 'NO_SOURCE', exitCode: 4 });
    expect(error.message).toContain('a: passing!');
  });

  it('obeys Retry-After when there is nobody else', async () => {
    const { pool: p, clock } = pool(['a']);
    fail(await p.lease(one, signal), 'busy', { retryAfter: 30_000, wholeHost: true });
    const lease = p.lease(one, signal);
    await clock.advance(29_999);
    expect(await taken(lease)).toBeUndefined();
    await clock.advance(1);
    expect(await taken(lease)).toBe('a');
  });

  it('does not wait longer than its patience, and says what it was asked for', async () => {
    const { pool: p } = pool(['a']);
    fail(await p.lease(one, signal), 'busy', { retryAfter: 3_600_000, wholeHost: true });
    const error = await pcamError(p.lease(one, signal));
    expect(error.code).toBe('NO_SOURCE');
    expect(error.message).toContain('1 h 00 min');
  });

  it('waits, beyond its patience too, while another source still delivers bytes of the file', async () => {
    const { pool: p } = pool(['a', 'b'], { connections: 1 });
    const a = await p.lease(one, signal);
    const b = await p.lease(one, signal);
    fail(a, 'busy', { retryAfter: 3_600_000, wholeHost: true });
    const third = p.lease(one, signal);
    expect(await taken(third)).toBeUndefined();
    b.release({ progressed: true });
    expect(await taken(third)).toBe('b');
  });

  it('fails all who wait when the last source goes', async () => {
    const { pool: p } = pool(['a'], { connections: 1 });
    const lease = await p.lease(one, signal);
    const waiting = [pcamError(p.lease(one, signal)), pcamError(p.lease(one, signal))];
    await settle();
    fail(lease, 'wrong');
    expect((await Promise.all(waiting)).map(({ code }) => code)).toEqual(['NO_SOURCE', 'NO_SOURCE']);
  });

  it('says so when no source has the file at all', async () => {
    const { pool: p } = pool([source('a', false)]);
    expect(p.lanes(one)).toBe(0);
    expect((await pcamError(p.lease(one, signal))).code).toBe('NO_SOURCE');
  });

  it('sends one request at a time to a source that knows no ranges', async () => {
    const { pool: p } = pool(['a', 'b']);
    const first = await p.lease(one, signal);
    p.markSingle(one, 'a');
    expect(p.lanes(one)).toBe(3);
    expect((await p.lease(one, signal)).source.id).toBe('b');
    expect((await p.lease(two, signal)).source.id).toBe('a');
    first.release({ progressed: true });
    expect((await p.lease(one, signal)).source.id).toBe('a');
  });

  it('fetches from one source alone, until that is over', async () => {
    const { pool: p } = pool(['a', 'b']);
    const readmit = new Set<string>();
    p.judge(one, { out: new Map(), only: 'b', readmit });
    expect(p.free(one)).toEqual(['b']);
    expect(p.usable(one)).toEqual(['a', 'b']);
    expect((await p.lease(one, signal)).source.id).toBe('b');
    expect((await p.lease(two, signal)).source.id).toBe('a');
    p.judge(one, { out: new Map(), only: undefined, readmit });
    expect((await p.lease(one, signal)).source.id).toBe('a');
  });

  it('drops whom a verdict names, once, and asks again whom it readmits', async () => {
    const { pool: p, events } = pool(['a', 'b']);
    const out = new Map([['a', 'wrong bytes']]);
    p.judge(one, { out, only: undefined, readmit: new Set() });
    p.judge(one, { out, only: undefined, readmit: new Set() });
    expect(events).toEqual([{ type: 'drop', file: one.name, source: 'a', reason: 'wrong bytes' }]);
    expect(p.usable(one)).toEqual(['b']);
    expect(p.usable(two)).toEqual(['a', 'b']);
    p.judge(one, { out: new Map(), only: undefined, readmit: new Set(['a']) });
    expect(p.usable(one)).toEqual(['a', 'b']);
  });

  it('names a cause that sources share once, with what can be done about it', async () => {
    const { pool: p } = pool(['a', 'b']);
    for (const _ of ['a', 'b']) {
      const lease = await p.lease(one, signal);
      const failure = new SourceFailure('wrong', 'the proxy says no', {
        wholeHost: true,
        hint: 'tell it who you are',
      });
      lease.release({ progressed: false, failure });
    }
    const error = await pcamError(p.lease(one, signal));
    expect(error.message).toContain('a and b: the proxy says no');
    expect(error.hint).toMatch(/^tell it who you are; or try again later/);
  });

  it('knows who lacks a file, and whether that one comes first', async () => {
    const { pool: p } = pool(['a', 'b']);
    const lease = await p.lease(one, signal);
    expect(p.lacksFirst(one)).toBe(false);
    lease.release({
      progressed: false,
      failure: new SourceFailure('wrong', 'no such file', { missing: true }),
    });
    expect(p.lacking(one)).toEqual(['a']);
    expect(p.lacksFirst(one)).toBe(true);
    expect(p.lacksFirst(two)).toBe(false);
  });

  it('counts a connection that was cut until the server has seen its end', async () => {
    const { pool: p, clock } = pool(['a'], { connections: 1 });
    const first = await p.lease(one, signal);
    first.release({ progressed: true, closed: true });
    const second = p.lease(one, signal);
    expect(p.free(one)).toEqual([]);
    expect(await taken(second)).toBeUndefined();
    await clock.advance(100);
    expect(await taken(second)).toBe('a');
    (await second).release({ progressed: true, closed: true });
    p.close();
    expect(clock.waiting).toBe(0);
  });

  it('shares the connections of a host among its sources', async () => {
    const { pool: p } = pool([
      { ...source('a'), host: 'h:1' },
      { ...source('b'), host: 'h:1' },
      { ...source('c'), host: 'h:2' },
    ]);
    expect(p.lanes(one)).toBe(4);
    const leases = await Promise.all([1, 2, 3, 4].map(() => p.lease(one, signal)));
    expect(leases.map((lease) => lease.source.id)).toEqual(['a', 'a', 'c', 'c']);
  });

  it('gives a free place at once, or none', async () => {
    const { pool: p } = pool(['a', 'b'], { connections: 1 });
    expect(p.leaseNow(one, 'b')?.source.id).toBe('b');
    expect(p.active(one, 'b')).toBe(1);
    expect(p.leaseNow(one, 'b')).toBeUndefined();
    expect(p.leaseNow(one, 'x')).toBeUndefined();
    expect(p.free(one)).toEqual(['a']);
  });

  it('gives the place of one who gave up to the next', async () => {
    const { pool: p, clock } = pool(['a'], { connections: 1 });
    const lease = await p.lease(one, signal);
    const stop = new AbortController();
    const first = pcamError(p.lease(one, stop.signal));
    const second = p.lease(one, signal);
    await settle();
    stop.abort();
    expect((await first).code).toBe('ABORTED');
    lease.release({ progressed: true });
    expect(await taken(second)).toBe('a');
    expect((await pcamError(p.lease(one, stop.signal))).code).toBe('ABORTED');
    expect(clock.waiting).toBe(0);
  });
});
