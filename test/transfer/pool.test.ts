/** The pool of sources, by a clock that the test moves: who is asked, who pauses, who is out. */
import { describe, expect, it } from 'vitest';
import type { PcamEvent } from '#pcam/core/events.js';
import { type FailureKind, SourceFailure } from '#pcam/net/failure.js';
import type { Source } from '#pcam/sources/source.js';
import { type Lease, SourcePool } from '#pcam/transfer/pool.js';
import { TestClock } from '../support/clock.js';
import { plainFile } from '../support/files.js';

const one = plainFile('one.csv', Buffer.from('1')).file;
const two = plainFile('two.csv', Buffer.from('2')).file;

function source(id: string, has = true): Source {
  return {
    id,
    type: 'http',
    has: () => has,
    urlOf: () => '',
    open: () => Promise.reject(new Error('not here')),
  };
}

function pool(ids: (string | Source)[], { connections = 2, patience = 60_000 } = {}) {
  const clock = new TestClock();
  const events: PcamEvent[] = [];
  const sources = ids.map((id) => (typeof id === 'string' ? source(id) : id));
  const onEvent = (event: PcamEvent) => events.push(event);
  const made = new SourcePool({ sources, connections, clock, pauses: { patience }, onEvent });
  /** Transfers of a file that send as many requests as they may, up to a number. */
  const join = (file = one, most = Number.POSITIVE_INFINITY) => {
    const seen = { leases: [] as Lease[], error: undefined as Error | undefined };
    const leave = made.join({
      file,
      sendRequest: () => {
        const [id] = made.free(file);
        if (id === undefined || seen.leases.length >= most) return false;
        seen.leases.push(made.lease(file, id));
        return true;
      },
      fail: (error) => {
        seen.error = error;
      },
    });
    return { seen, leave, ids: () => seen.leases.map((lease) => lease.source.id) };
  };
  /** The one request of a file. */
  const lease = (file = one) => made.lease(file, made.free(file)[0]!);
  return { pool: made, clock, events, join, lease };
}

const fail = (lease: Lease, kind: FailureKind, more: { retryAfter?: number; wholeHost?: boolean } = {}) =>
  lease.release({ progressed: false, failure: new SourceFailure(kind, `${kind}!`, more) });

describe('SourcePool', () => {
  it('asks the preferred source until its places are taken, then the next', () => {
    const { join } = pool(['a', 'b']);
    const transfer = join();
    expect(transfer.ids()).toEqual(['a', 'a', 'b', 'b']);
    transfer.seen.leases[0]!.release({ progressed: true });
    expect(transfer.ids()).toEqual(['a', 'a', 'b', 'b', 'a']);
  });

  it('counts the places of a source over all files', () => {
    const { join } = pool(['a'], { connections: 1 });
    const [first, second] = [join(one, 1), join(two, 1)];
    expect(second.ids()).toEqual([]);
    first.seen.leases[0]!.release({ progressed: true });
    expect(second.ids()).toEqual(['a']);
  });

  it('lets the file with the fewest requests go first', () => {
    const { join } = pool(['a'], { connections: 4 });
    const large = join(one);
    const small = join(two);
    expect([large.ids().length, small.ids().length]).toEqual([4, 0]);
    large.seen.leases[0]!.release({ progressed: true });
    large.seen.leases[1]!.release({ progressed: true });
    expect([large.ids().length, small.ids().length]).toEqual([4, 2]);
  });

  it('asks a transfer no more that has left', () => {
    const { join } = pool(['a'], { connections: 1 });
    const transfer = join();
    transfer.leave();
    transfer.seen.leases[0]!.release({ progressed: true });
    expect(transfer.ids()).toHaveLength(1);
  });

  it('goes to another source while one pauses, and comes back to it', async () => {
    const { pool: p, clock, events, lease } = pool(['a', 'b']);
    fail(lease(), 'passing');
    expect(events).toEqual([{ type: 'pause', file: one.name, source: 'a', reason: 'passing!', ms: 500 }]);
    expect(p.free(one)).toEqual(['b']);
    await clock.advance(500);
    expect(p.free(one)).toEqual(['a', 'b']);
  });

  it('wakes a transfer when the only source has paused', async () => {
    const { clock, join, lease } = pool(['a']);
    fail(lease(), 'passing');
    const transfer = join(one, 1);
    await clock.advance(499);
    expect(transfer.ids()).toEqual([]);
    await clock.advance(1);
    expect(transfer.ids()).toEqual(['a']);
    expect(clock.waiting).toBe(0);
  });

  it('pauses a file or a whole host, as the failure says', () => {
    const { pool: p, lease } = pool(['a', 'b']);
    fail(lease(), 'refused');
    expect(p.free(two)).toEqual(['a', 'b']);
    const other = pool(['a', 'b']);
    fail(other.lease(), 'busy', { wholeHost: true });
    expect(other.pool.free(two)).toEqual(['b']);
  });

  it('counts what fails together as one failure', () => {
    const { events, lease } = pool(['a', 'b']);
    const [x, y] = [lease(), lease()];
    fail(x, 'refused');
    fail(y, 'refused');
    expect(events.map(({ type }) => type)).toEqual(['pause']);
  });

  it('drops at once what is wrong, though it pauses', () => {
    const { pool: p, events, lease } = pool(['a', 'b']);
    const [x, y] = [lease(), lease()];
    fail(x, 'passing');
    fail(y, 'wrong');
    expect(events.map(({ type }) => type)).toEqual(['pause', 'drop']);
    expect(p.usable(one)).toEqual(['b']);
    expect(p.usable(two)).toEqual(['a', 'b']);
  });

  it('drops a source that fails again and again, unless it brought something between', async () => {
    const { pool: p, clock, join, lease } = pool(['a']);
    for (let i = 0; i < 20; i++) {
      lease().release({ progressed: true, failure: new SourceFailure('passing', 'cut') });
      await clock.advance(60_000);
    }
    expect(p.usable(one)).toEqual(['a']);
    for (let i = 0; i < 5; i++) {
      fail(lease(), 'passing');
      await clock.advance(60_000);
    }
    const { error } = join().seen;
    expect(error).toMatchObject({ code: 'NO_SOURCE', exitCode: 4 });
    expect(error!.message).toContain('a: passing!');
  });

  it('obeys Retry-After when there is no other source', async () => {
    const { clock, join, lease } = pool(['a']);
    fail(lease(), 'busy', { retryAfter: 30_000, wholeHost: true });
    const transfer = join(one, 1);
    await clock.advance(29_999);
    expect(transfer.ids()).toEqual([]);
    await clock.advance(1);
    expect(transfer.ids()).toEqual(['a']);
  });

  it('does not wait longer than its patience, and says what it was asked for', () => {
    const { join, lease } = pool(['a']);
    fail(lease(), 'busy', { retryAfter: 3_600_000, wholeHost: true });
    const { error } = join().seen;
    expect(error).toMatchObject({ code: 'NO_SOURCE' });
    expect(error!.message).toContain('1 h 00 min');
  });

  it('waits, beyond its patience too, while another source still delivers bytes of the file', () => {
    const { join } = pool(['a', 'b'], { connections: 1 });
    const transfer = join();
    const [a, b] = transfer.seen.leases;
    fail(a!, 'busy', { retryAfter: 3_600_000, wholeHost: true });
    expect(transfer.seen.error).toBeUndefined();
    b!.release({ progressed: true });
    expect(transfer.ids()).toEqual(['a', 'b', 'b']);
  });

  it('fails all transfers when the last source goes', () => {
    const { join, lease } = pool(['a'], { connections: 1 });
    const last = lease();
    const transfers = [join(one), join(two)];
    fail(last, 'wrong', { wholeHost: true });
    expect(transfers.map(({ seen }) => seen.error)).toMatchObject([
      { code: 'NO_SOURCE' },
      { code: 'NO_SOURCE' },
    ]);
  });

  it('says so when no source has the file at all', () => {
    const { pool: p, join } = pool([source('a', false)]);
    expect(p.places(one)).toBe(0);
    expect(join().seen.error).toMatchObject({ code: 'NO_SOURCE' });
  });

  it('sends one request at a time to a source that knows no ranges', () => {
    const { pool: p, lease } = pool(['a', 'b']);
    const first = lease();
    p.markSingle(one, 'a');
    expect(p.places(one)).toBe(3);
    expect(p.free(one)).toEqual(['b']);
    expect(p.free(two)).toEqual(['a', 'b']);
    first.release({ progressed: true });
    expect(p.free(one)).toEqual(['a', 'b']);
  });

  it('fetches from one source alone, until that is over', () => {
    const { pool: p } = pool(['a', 'b']);
    const readmit = new Set<string>();
    p.judge(one, { out: new Map(), only: 'b', readmit });
    expect(p.free(one)).toEqual(['b']);
    expect(p.usable(one)).toEqual(['a', 'b']);
    expect(p.free(two)).toEqual(['a', 'b']);
    p.judge(one, { out: new Map(), only: undefined, readmit });
    expect(p.free(one)).toEqual(['a', 'b']);
  });

  it('drops whom a verdict names, once, and asks again whom it readmits', () => {
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

  it('names a cause that sources share once, with what can be done about it', () => {
    const { join, lease } = pool(['a', 'b']);
    for (const _ of ['a', 'b']) {
      const hint = 'tell it who you are';
      const failure = new SourceFailure('wrong', 'the proxy says no', { wholeHost: true, hint });
      lease().release({ progressed: false, failure });
    }
    const { error } = join().seen;
    expect(error!.message).toContain('a and b: the proxy says no');
    expect(error).toMatchObject({ hint: expect.stringMatching(/^tell it who you are; or try again later/) });
  });

  it('knows which source lacks a file, and whether that one comes first', () => {
    const { pool: p, lease } = pool(['a', 'b']);
    const first = lease();
    expect(p.lacksFirst(one)).toBe(false);
    const failure = new SourceFailure('wrong', 'no such file', { missing: true });
    first.release({ progressed: false, failure });
    expect(p.lacking(one)).toEqual(['a']);
    expect(p.lacksFirst(one)).toBe(true);
    expect(p.lacksFirst(two)).toBe(false);
  });

  it('counts a connection that was cut until the server has seen its end', async () => {
    const { pool: p, clock, lease } = pool(['a'], { connections: 1 });
    lease().release({ progressed: true, closed: true });
    expect(p.free(one)).toEqual([]);
    await clock.advance(100);
    expect(p.free(one)).toEqual(['a']);
    lease().release({ progressed: true, closed: true });
    p.close();
    expect(clock.waiting).toBe(0);
  });

  it('shares the connections of a host among its sources', () => {
    const { pool: p, join } = pool([
      { ...source('a'), host: 'h:1' },
      { ...source('b'), host: 'h:1' },
      { ...source('c'), host: 'h:2' },
    ]);
    expect(p.places(one)).toBe(4);
    expect(join().ids()).toEqual(['a', 'a', 'c', 'c']);
  });
});
