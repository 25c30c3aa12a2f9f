/** The plan hands out every missing byte once, in pieces worth a request. */
import { describe, expect, it } from 'vitest';
import { RangeSet } from '#pcam/store/range-set.js';
import { Plan } from '#pcam/transfer/range-plan.js';

const MB = 1024 * 1024;

function plan(size: number | undefined, ...done: [number, number][]) {
  const set = new RangeSet();
  for (const [start, end] of done) set.add({ start, end });
  return { plan: new Plan(set, size), done: set };
}

describe('Plan', () => {
  it('goes from the front, around what is there', () => {
    const { plan: p } = plan(30 * MB, [0, MB], [3 * MB, 20 * MB]);
    expect(p.take(0)).toMatchObject({ start: MB, end: 3 * MB });
    expect(p.take(0)).toMatchObject({ start: 20 * MB, end: 24 * MB });
    expect(p.take(0)).toMatchObject({ start: 24 * MB, end: 28 * MB });
    expect(p.exhausted).toBe(false);
    expect(p.take(0)).toMatchObject({ start: 28 * MB, end: 30 * MB });
    expect(p.exhausted).toBe(true);
  });

  it('makes pieces larger on fast lines, within bounds', () => {
    const { plan: p } = plan(1000 * MB);
    const length = (speed: number) => {
      const { start, end } = p.take(speed)!;
      return end - start;
    };
    expect(length(10 * MB)).toBe(40 * MB);
    expect(length(1e12)).toBe(64 * MB);
    expect(length(1)).toBe(4 * MB);
    expect(Number.isInteger(length(MB * 1.3333))).toBe(true);
  });

  it('hands out again what was given back undone, and only that', () => {
    const { plan: p, done } = plan(8 * MB);
    const first = p.take(0)!;
    p.take(0);
    done.add({ start: 0, end: MB });
    first.at = MB;
    p.give(first);
    expect(p.take(0)).toMatchObject({ start: MB, end: 4 * MB });
  });

  it('divides what the slowest has left, down to what is worth a request', () => {
    const { plan: p, done } = plan(8 * MB);
    const slow = p.take(0)!;
    const quick = p.take(0)!;
    quick.at = 7 * MB;
    done.add({ start: 4 * MB, end: 7 * MB });
    expect(p.take(0)).toMatchObject({ start: 2 * MB, end: 4 * MB, at: 2 * MB });
    expect(slow.end).toBe(2 * MB);
    const pieces = Array.from({ length: 100 }, () => p.take(0));
    expect(pieces.at(-1)).toBeUndefined();
    for (const piece of pieces) if (piece) expect(piece.end - piece.start).toBeGreaterThanOrEqual(MB / 2);
  });

  it('gives a file of unknown size to one request, until its size is known', () => {
    const { plan: p } = plan(undefined);
    const piece = p.take(0)!;
    expect(piece).toMatchObject({ start: 0, end: 4 * MB });
    p.extend(piece);
    expect(piece.end).toBe(Number.POSITIVE_INFINITY);
    expect(p.take(0)).toBeUndefined();
    p.size = 10 * MB;
    piece.end = p.size;
    expect(p.take(0)).toMatchObject({ start: 5 * MB, end: 10 * MB });
  });

  it('extends a piece up to what is taken or there', () => {
    const { plan: p } = plan(30 * MB, [20 * MB, 22 * MB]);
    const piece = p.take(0)!;
    p.extend(piece);
    expect(piece.end).toBe(20 * MB);
    expect(p.take(0)).toMatchObject({ start: 22 * MB });
  });

  it('has nothing to do for a file that is there, or empty', () => {
    expect(plan(MB, [0, MB]).plan.take(0)).toBeUndefined();
    expect(plan(0).plan.take(0)).toBeUndefined();
  });
});
