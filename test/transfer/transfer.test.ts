/** One file over a simulated network: what a transfer does with what sources do, and what it throws. */
import { describe, expect, it } from 'vitest';
import { CHUNK_BYTES } from '#pcam/store/chunks.js';
import { rateLimit } from '#pcam/transfer/limit.js';
import { SourceChanged } from '#pcam/transfer/request.js';
import { type Link, type Simulated, simulate } from '../support/simulated.js';

const MB = 1_000_000;
const web: Link = { id: 'web', speed: MB };
const other: Link = { id: 'other', speed: MB };

/** @param before bytes of an earlier run */
function expectWhole({ chunks, error, sources, left }: Simulated, before = 0): void {
  expect(error).toBeUndefined();
  expect(chunks.complete).toBe(true);
  const received = Object.values(sources).reduce((a, b) => a + b, before);
  expect(received).toBe([...chunks.contributions().values()].reduce((a, b) => a + b, 0));
  expect(left).toBe(0);
}

describe('transferFile', () => {
  it('asks for nothing when all is there, or the file is empty', async () => {
    const there = await simulate({ links: [web], bytes: MB, done: [[0, 4, 'web']] });
    const empty = await simulate({ links: [web], bytes: 0 });
    for (const { error, requests } of [there, empty]) {
      expect(error).toBeUndefined();
      expect(requests).toEqual([]);
    }
  });

  it('asks for what is missing alone, and with the validator of the bytes that are there', async () => {
    const result = await simulate({
      links: [web],
      bytes: MB,
      done: [
        [0, 1, 'web'],
        [3, 4, 'web'],
      ],
    });
    expectWhole(result, MB - 2 * CHUNK_BYTES);
    expect(result.sources).toEqual({ web: 2 * CHUNK_BYTES });
    expect(result.requests).toMatchObject([
      { source: 'web', at: 0, start: CHUNK_BYTES, end: 3 * CHUNK_BYTES },
    ]);
  });

  it('sends one request until a reply has shown that ranges work, then as many as it may', async () => {
    const result = await simulate({ links: [{ ...web, latency: 100 }], bytes: 20 * MB, connections: 3 });
    expectWhole(result);
    expect(result.requests.filter(({ at }) => at < 100)).toHaveLength(1);
    expect(result.most).toEqual({ web: 3 });
    const [first, ...later] = result.requests.map(({ validator }) => validator);
    expect(first).toBeUndefined();
    expect(new Set(later)).toEqual(new Set(['"1"']));
  });

  it('takes the whole file from a server without ranges in one request', async () => {
    const result = await simulate({ links: [{ ...web, single: true }], bytes: 10 * MB });
    expectWhole(result);
    expect(result.requests).toHaveLength(1);
  });

  it('counts nothing of what comes before the missing bytes', async () => {
    const done: [number, number, string][] = [[0, 3, 'web']];
    const result = await simulate({ links: [{ ...web, single: true }], bytes: MB, done });
    expectWhole(result, 3 * CHUNK_BYTES);
    expect(result.sources).toEqual({ web: MB - 3 * CHUNK_BYTES });
  });

  it.each([true, false])(
    'learns the size where the manifest does not give it (ranges: %s)',
    async (ranges) => {
      const result = await simulate({ links: [{ ...web, single: !ranges }], bytes: 10 * MB, unsized: true });
      expectWhole(result);
      expect(result.chunks.size).toBe(10 * MB);
    },
  );

  it('continues from where a reply ended early, or was cut', async () => {
    for (const link of [
      { ...web, short: 300_000 },
      { ...web, cut: 300_000 },
    ]) {
      const result = await simulate({ links: [link], bytes: 2 * MB, connections: 1 });
      expectWhole(result);
      expect(result.sources).toEqual({ web: 2 * MB });
    }
  });

  it('fetches from the other source what one cannot deliver', async () => {
    for (const refuses of ['passing', 'wrong'] as const) {
      const result = await simulate({ links: [{ ...web, refuses }, other], bytes: 5 * MB });
      expectWhole(result);
      expect(result.sources).toEqual({ other: 5 * MB });
    }
  });

  it('fails when no source can deliver, and keeps what arrived', async () => {
    const result = await simulate({ links: [{ ...web, refuses: 'wrong' }], bytes: MB });
    expect(result.error).toMatchObject({ code: 'NO_SOURCE' });
    const done: [number, number, string][] = [[0, 3, 'web']];
    const cut = await simulate({ links: [{ ...web, cut: 10_000 }], bytes: 10 * MB, done, connections: 1 });
    expect(cut.error).toMatchObject({ code: 'NO_SOURCE' });
    expect(cut.chunks.bytes).toBeGreaterThanOrEqual(3 * CHUNK_BYTES);
    expect(cut.left).toBe(0);
  });

  it('refuses a copy of another size', async () => {
    const result = await simulate({ links: [{ ...web, size: 5 * MB + 1 }, other], bytes: 5 * MB });
    expectWhole(result);
    expect(result.sources).toEqual({ other: 5 * MB });
  });

  it('throws when a copy changes, and keeps nothing of a new one', async () => {
    const result = await simulate({
      links: [{ ...web, validators: ['"1"', '"2"'] }],
      bytes: 9 * MB,
      connections: 1,
    });
    expect(result.error).toBeInstanceOf(SourceChanged);
    expect(result.error).toMatchObject({ source: 'web' });
    expect(result.chunks.contributions().get('web')).toBeLessThan(5 * MB);
    expect(result.left).toBe(0);
  });

  it('stops at once on abort, keeps what arrived, and leaves nothing running', async () => {
    const result = await simulate({ links: [web], bytes: 100 * MB, abortAfter: 2000 });
    expect(result.error).toMatchObject({ code: 'ABORTED' });
    expect(result.took).toBe(2000);
    expect(result.chunks.bytes).toBeGreaterThan(5 * MB);
    expect(result.left).toBe(0);
  });

  it('keeps to a limit, and is no slower than it allows', async () => {
    const result = await simulate({
      links: [web, other],
      bytes: 10 * MB,
      limit: (clock) => rateLimit(MB, clock),
    });
    expectWhole(result);
    expect(result.took).toBeGreaterThanOrEqual(10_000);
    expect(result.took).toBeLessThan(13_000);
    // Everything that was asked for was paid for before.
    let asked = 0;
    for (const { at, start, end } of result.requests) {
      asked += end - start;
      expect(asked).toBeLessThanOrEqual((at / 1000) * MB + 1);
    }
  });
});
