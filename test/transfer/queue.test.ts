/** Which chunks the next request is for: from the front, by speed, and at the end where it helps most. */
import { describe, expect, it } from 'vitest';
import { CHUNK_BYTES, ChunkMap } from '#pcam/store/chunks.js';
import { Queue, type Request } from '#pcam/transfer/queue.js';

const MB = 1024 * 1024;
const PER_MB = MB / CHUNK_BYTES;
const helper = (source = 'a', maxBytes = Number.POSITIVE_INFINITY) => ({ source, single: false, maxBytes });

interface Setup {
  done?: [first: number, end: number][];
  /** Bytes per second by source. */
  speeds?: Record<string, number>;
  connections?: number;
  limit?: () => number;
}

/** @param chunks of the file; undefined: not known */
function queueOf(chunks: number | undefined, { done = [], speeds = {}, connections = 1, limit }: Setup = {}) {
  const map = new ChunkMap(chunks === undefined ? undefined : chunks * CHUNK_BYTES);
  for (const [first, end] of done) for (let i = first; i < end; i++) map.add(i, 'a');
  const queue = new Queue(map, limit);
  for (const [source, speed] of Object.entries(speeds)) queue.speeds.observe(source, speed, 1000);
  /** Chunks of a request come, up to one. */
  const bring = (request: Request, to: number) => {
    for (; request.next < to; request.next++) map.add(request.next, request.source);
  };
  const take = (source = 'a') => queue.take(helper(source), { now: 0, connections });
  return { queue, map, bring, take };
}

describe('Queue', () => {
  it('gives requests from the front, around what is there', () => {
    const done: [number, number][] = [
      [0, 4],
      [12, 80],
    ];
    const { take } = queueOf(120, { done });
    expect(take()).toMatchObject({ next: 4, end: 12 });
    expect(take()).toMatchObject({ next: 80, end: 96 });
    expect(take()).toMatchObject({ next: 96, end: 112 });
    expect(take()).toMatchObject({ next: 112, end: 120 });
    expect(take()).toBeUndefined();
  });

  it.each([
    ['fast', 10 * MB, 160],
    ['very fast', 1e12, 256],
    ['slow', 200_000, 3],
    ['next to still', 100, 1],
  ])('gives a source that is %s requests of four seconds, in whole chunks', (_, speed, chunks) => {
    const { take } = queueOf(10_000, { speeds: { a: speed } });
    expect(take()).toMatchObject({ next: 0, end: chunks });
  });

  it('gives a source that is not known no more than others deliver, and its share of a small file', () => {
    expect(queueOf(400, { speeds: { b: 200_000 } }).take()).toMatchObject({ end: 3 });
    expect(queueOf(400, { speeds: { b: 1e9 } }).take()).toMatchObject({ end: 4 * PER_MB });
    expect(queueOf(12, { connections: 4 }).take()).toMatchObject({ end: 3 });
    expect(queueOf(3, { connections: 4 }).take()).toMatchObject({ end: 2 });
  });

  it('asks for no more than a request may, and for nothing beyond the limit', () => {
    const { queue } = queueOf(400);
    expect(queue.take(helper('a', 600_000), { now: 0, connections: 1 })).toMatchObject({ next: 0, end: 2 });
    const { take } = queueOf(400, { limit: () => 5 });
    expect(take()).toMatchObject({ next: 0, end: 5 });
    expect(take()).toBeUndefined();
  });

  it('gives the chunks of a request that ended early to the next one', () => {
    const { queue, bring, take } = queueOf(32);
    const first = take()!;
    take();
    bring(first, 4);
    queue.release(first);
    expect(take()).toMatchObject({ next: 4, end: 16 });
  });

  it('divides no request while nothing is known of speeds', () => {
    const { queue, take } = queueOf(16);
    take();
    expect(queue.help(helper('b'), 0)).toBeUndefined();
  });

  it('takes over so many chunks that both end at the same time', () => {
    const { queue, take } = queueOf(16, { speeds: { slow: MB / 4, quick: (3 * MB) / 4 } });
    const slow = take('slow')!;
    slow.end = 16;
    expect(queue.help(helper('quick'), 0)).toMatchObject({ next: 4, end: 16 });
    expect(slow.end).toBe(4);
  });

  it('asks again for the chunk of a silent connection, and the first copy wins', () => {
    const { queue, bring, take } = queueOf(4, { speeds: { quick: MB } });
    const silent = take('silent')!;
    silent.waitingSince = 0;
    let stopped = false;
    silent.stop = () => {
      stopped = true;
    };
    queue.measure(1000);
    const rival = queue.help(helper('quick'), 1000)!;
    expect(rival).toMatchObject({ next: 0, end: 4 });
    expect(silent).toMatchObject({ end: 1, rival });
    bring(rival, 4);
    queue.release(rival);
    expect(stopped).toBe(true);
  });

  it('shortens a request that is late while there is still enough to do', () => {
    const { queue, bring, take } = queueOf(400, { speeds: { quick: 4 * MB } });
    const slow = take('slow')!;
    slow.waitingSince = 0;
    bring(slow, 1);
    queue.measure(1000); // a chunk per second: 16 would take 16 s
    expect(take('quick')).toMatchObject({ next: 5 });
    expect(slow.end).toBe(5);
  });

  it('asks again for one chunk where that alone is late, before all that is behind it', () => {
    const { queue, take } = queueOf(400, { speeds: { quick: MB } });
    const slow = take('slow')!;
    slow.waitingSince = 0;
    slow.received = 1000;
    queue.measure(1000); // 1 kB a second
    expect(take('quick')).toMatchObject({ next: 0, end: 1 });
    expect(take('quick')).toMatchObject({ next: 1 });
  });

  it('helps no request under a rate limit, unless it is silent', () => {
    const { queue, take } = queueOf(16, { speeds: { slow: MB / 4, quick: MB } });
    const slow = take('slow')!;
    slow.waitingSince = 0;
    expect(queue.help(helper('quick', MB), 0)).toBeUndefined();
    queue.measure(1000);
    expect(queue.help(helper('quick', MB), 1000)).toMatchObject({ next: 0 });
  });

  it('does not divide a file of unknown size, but asks again where a connection is silent', () => {
    const { queue, take } = queueOf(undefined);
    const request = take()!;
    expect(request).toMatchObject({ next: 0, end: 16 });
    request.end = Number.POSITIVE_INFINITY;
    expect(take()).toBeUndefined();
    request.waitingSince = 0;
    queue.measure(1000);
    expect(queue.help(helper('b'), 1000)).toMatchObject({ next: 0, end: Number.POSITIVE_INFINITY });
    expect(request.end).toBe(Number.POSITIVE_INFINITY);
  });

  it('knows how much is arriving, a chunk that comes twice counted once', () => {
    const { queue, take } = queueOf(4, { speeds: { quick: MB } });
    const silent = take('silent')!;
    silent.waitingSince = 0;
    queue.measure(1000);
    const rival = queue.help(helper('quick'), 1000)!;
    [silent.received, rival.received] = [100, 300];
    expect(queue.arriving).toBe(300);
  });

  it('has nothing for a file that is there, or empty', () => {
    expect(queueOf(4, { done: [[0, 4]] }).take()).toBeUndefined();
    expect(queueOf(0).take()).toBeUndefined();
  });
});
