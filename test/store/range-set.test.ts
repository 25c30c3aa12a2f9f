/** RangeSet against the plainest thing that could work: one bit for each byte. */
import { describe, expect, it } from 'vitest';
import { RangeSet } from '#pcam/store/range-set.js';
import { generator } from '../support/files.js';

const WIDTH = 48;

function rangesOf(bits: readonly boolean[], value: boolean, from = 0, to = bits.length) {
  const ranges: { start: number; end: number }[] = [];
  for (let i = from; i < to; i++) {
    if (bits[i] !== value) continue;
    const last = ranges.at(-1);
    if (last && last.end === i) last.end = i + 1;
    else ranges.push({ start: i, end: i + 1 });
  }
  return ranges;
}

describe('RangeSet', () => {
  it.each([1, 2, 3, 4, 5])('agrees with a bitmap over random steps (seed %d)', (seed) => {
    const next = generator(seed);
    const whole = (most: number) => Math.floor(next() * most);
    for (let round = 0; round < 40; round++) {
      const set = new RangeSet();
      const bits: boolean[] = Array(WIDTH).fill(false);
      for (let step = 0; step < 12; step++) {
        const start = whole(WIDTH);
        const end = Math.min(WIDTH, start + whole(12) - 1); // empty and backward ones among them
        set.add({ start, end });
        for (let i = start; i < end; i++) bits[i] = true;

        expect(set.ranges).toEqual(rangesOf(bits, true));
        expect(set.size).toBe(bits.filter(Boolean).length);
        const prefix = bits.indexOf(false);
        expect(set.prefix).toBe(prefix === -1 ? WIDTH : prefix);
        const within = { start: whole(WIDTH), end: whole(WIDTH + 1) };
        const gaps = rangesOf(bits, false, within.start, within.end);
        expect(set.gaps(within)).toEqual(gaps);
        expect(set.firstGap(within)).toEqual(gaps[0]);
      }
    }
  });

  it('has one open gap when nothing is there and the size is not known', () => {
    const set = new RangeSet();
    expect(set.firstGap({ start: 0, end: Number.POSITIVE_INFINITY })).toEqual({
      start: 0,
      end: Number.POSITIVE_INFINITY,
    });
    set.add({ start: 0, end: 5 });
    expect(set.gaps({ start: 0, end: Number.POSITIVE_INFINITY })).toEqual([
      { start: 5, end: Number.POSITIVE_INFINITY },
    ]);
  });
});
