/**
 * However slow, silent or broken one source is, the other one loses little by it: transfers over a simulated network,
 * with random speeds, latencies and stalls, against what the better source does alone and what could be done at best.
 */
import { describe, expect, it } from 'vitest';
import { generator } from '../support/files.js';
import { type Link, type Simulated, simulate } from '../support/simulated.js';

const MB = 1_000_000;
const BYTES = 12 * MB;
const CONNECTIONS = 4;
/** The aim: two sources are never so many times slower than the better one alone. */
const SLOWER = 1.2;

const fast: Link = { id: 'fast', speed: MB, latency: 20 };

/** ms of the best that could be done: all connections at full speed from the first moment to the last. */
function ideal(links: readonly Link[], bytes: number): number {
  const rates = links.map(({ speed, silent, together = Number.POSITIVE_INFINITY }) =>
    silent ? 0 : Math.min(speed * CONNECTIONS, together),
  );
  return (bytes / rates.reduce((a, b) => a + b, 0)) * 1000;
}

function expectEachByteOnce({ sources, error }: Simulated, bytes = BYTES): void {
  expect(error).toBeUndefined();
  // The sink throws for a chunk that is written twice.
  expect(Object.values(sources).reduce((a, b) => a + b, 0)).toBe(bytes);
}

const OTHERS: [string, Omit<Link, 'id'>][] = [
  ['slow', { speed: 20_000, latency: 50 }],
  ['next to nothing', { speed: 100, latency: 50 }],
  ['silent', { speed: 1, silent: true }],
  ['slow to answer', { speed: MB, latency: 10_000 }],
  ['stalled after a second', { speed: MB, latency: 20, stalls: [[1000, 3_600_000]] }],
  ['stalled at first', { speed: MB, latency: 20, stalls: [[0, 60_000]] }],
  [
    'stalled again and again',
    { speed: MB, stalls: [1, 2, 3, 4, 5].map((s) => [s * 500, s * 500 + 400] as const) },
  ],
  ['cut after 300 kB each time', { speed: MB, cut: 300_000 }],
  ['cut after 1 kB each time', { speed: MB, cut: 1000 }],
  ['slow, and without ranges', { speed: 50_000, single: true }],
  ['as fast', { speed: MB, latency: 20 }],
];

describe('two sources, and one of them is fast', () => {
  it.each(OTHERS)('the other one is %s', async (_, other) => {
    const alone = await simulate({ links: [fast], bytes: BYTES });
    expect(alone.took).toBeLessThan(ideal([fast], BYTES) * SLOWER);
    for (const links of [
      [fast, { id: 'other', ...other }],
      [{ id: 'other', ...other }, fast],
    ]) {
      const both = await simulate({ links, bytes: BYTES });
      expectEachByteOnce(both);
      expect(both.took).toBeLessThan(alone.took * SLOWER);
      expect(Math.max(...Object.values(both.most))).toBeLessThanOrEqual(CONNECTIONS);
    }
  });

  it('the requests for a slow one are few', async () => {
    const { requests } = await simulate({ links: [fast, { id: 'slow', speed: 100 }], bytes: 60 * MB });
    expect(requests.length).toBeLessThan(100);
  });
});

it('one connection that stalls in the end does not hold the others', async () => {
  // Each connection of the source stalls for a minute at the same moment, but a new one is answered.
  const links = [{ ...fast, stalls: [[2800, 3000] as const] }];
  const result = await simulate({ links, bytes: BYTES });
  expectEachByteOnce(result);
  expect(result.took).toBeLessThan(ideal([fast], BYTES) * 1.3);
});

/** Random sources of 10 kB/s to 10 MB/s per connection, of which some stall, share their speed, or know no ranges. */
function randomLinks(random: () => number): Link[] {
  const count = 1 + Math.floor(random() * 3);
  return Array.from({ length: count }, (_, i): Link => {
    const speed = Math.round(10_000 * 1000 ** random());
    const stalls = Array.from({ length: Math.floor(random() * 3) }, () => {
      const from = random() * 8000;
      return [from, from + random() * 5000] as const;
    });
    return {
      id: `s${i}`,
      speed,
      latency: Math.round(random() * random() * 500),
      stalls: random() < 0.4 ? stalls : [],
      silent: count > 1 && i > 0 && random() < 0.1,
      ...(random() < 0.3 && { together: Math.round(speed * (1 + random() * 3)) }),
    };
  });
}

describe('random sources', () => {
  it.each([1, 2, 3, 4, 5, 6])('are used as well as the best of them, and better (seed %d)', async (seed) => {
    const random = generator(seed);
    for (let round = 0; round < 6; round++) {
      const bytes = Math.round(MB * 30 ** random());
      const links = randomLinks(random);
      const alone = await Promise.all(
        links.filter(({ silent }) => !silent).map((link) => simulate({ links: [link], bytes })),
      );
      const best = Math.min(...alone.map(({ took }) => took));
      const all = await simulate({ links, bytes });
      expectEachByteOnce(all, bytes);
      // A source that is asked first and does not answer costs half a second, and measuring takes a moment.
      expect(all.took, JSON.stringify({ bytes, links, best })).toBeLessThan(best * SLOWER + 1500);
    }
  });
});
