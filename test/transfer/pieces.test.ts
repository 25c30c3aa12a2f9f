/** Which bytes the next request is for: from the front, by speed, and at the end where it helps most. */
import { describe, expect, it } from 'vitest';
import { RangeSet } from '#pcam/store/range-set.js';
import type { Piece } from '#pcam/transfer/piece.js';
import { Pieces } from '#pcam/transfer/pieces.js';
import { Speeds } from '#pcam/transfer/speeds.js';

const MB = 1024 * 1024;
const helper = (source = 'a', most = Number.POSITIVE_INFINITY) => ({ source, single: false, most });

function planned(
  size: number | undefined,
  { done = [], speeds = {} }: { done?: [number, number][]; speeds?: Record<string, number> } = {},
) {
  const known = new Speeds();
  for (const [source, speed] of Object.entries(speeds)) known.observe(source, speed, 1000);
  const pieces = new Pieces(new RangeSet(done.map(([start, end]) => ({ start, end }))), size, known);
  /** Bytes of a piece come and are written. */
  const bring = (piece: Piece, to: number) => {
    pieces.claim({ start: piece.written, end: to });
    piece.written = piece.reached = to;
  };
  return { pieces, bring, take: (source = 'a') => pieces.take(helper(source), 0) };
}

describe('Pieces', () => {
  it('go from the front, around what is there', () => {
    const { pieces, take } = planned(30 * MB, {
      done: [
        [0, MB],
        [3 * MB, 20 * MB],
      ],
    });
    expect(take()).toMatchObject({ start: MB, end: 3 * MB });
    expect(take()).toMatchObject({ start: 20 * MB, end: 24 * MB });
    expect(take()).toMatchObject({ start: 24 * MB, end: 28 * MB });
    expect(pieces.hasGap).toBe(true);
    expect(take()).toMatchObject({ start: 28 * MB, end: 30 * MB });
    expect(pieces.hasGap).toBe(false);
  });

  it.each([
    ['fast', 10 * MB, 40 * MB],
    ['very fast', 1e12, 64 * MB],
    ['slow', 20_000, 80_000],
    ['next to still', 100, 64 * 1024],
  ])('are as large as the source is %s', (_, speed, length) => {
    const { take } = planned(1000 * MB, { speeds: { a: speed } });
    expect(take()).toMatchObject({ start: 0, end: length });
  });

  it('of a source that is not known are no larger than others deliver', () => {
    expect(planned(100 * MB, { speeds: { b: 20_000 } }).take()).toMatchObject({ end: 80_000 });
    expect(planned(100 * MB, { speeds: { b: 1e9 } }).take()).toMatchObject({ end: 4 * MB });
  });

  it('are never larger than the helper may ask for', () => {
    const { pieces } = planned(100 * MB);
    expect(pieces.take(helper('a', 1000), 0)).toMatchObject({ start: 0, end: 1000 });
  });

  it('that are given back undone go out again, and only what is undone', () => {
    const { pieces, bring, take } = planned(8 * MB);
    const first = take()!;
    take();
    bring(first, MB);
    pieces.give(first);
    expect(take()).toMatchObject({ start: MB, end: 4 * MB });
  });

  it('are halved while nothing is known of speeds, down to what is worth a request', () => {
    const { take } = planned(4 * MB);
    const first = take()!;
    expect(take()).toMatchObject({ start: 2 * MB, end: 4 * MB });
    expect(first.end).toBe(2 * MB);
    const more = Array.from({ length: 20 }, () => take());
    expect(more.at(-1)).toBeUndefined();
    for (const piece of more) if (piece) expect(piece.end - piece.start).toBeGreaterThanOrEqual(MB / 2);
  });

  it('that are taken over end at the same time as what is left to the slow one', () => {
    const { pieces, take } = planned(4 * MB, { speeds: { slow: MB / 4, quick: (3 * MB) / 4 } });
    const slow = take('slow')!;
    pieces.extend(slow);
    expect(take('quick')).toMatchObject({ start: MB, end: 4 * MB });
    expect(slow.end).toBe(MB);
  });

  it('of a silent connection are asked for again, and the first copy of a byte wins', () => {
    const { pieces, bring, take } = planned(MB, { speeds: { quick: MB } });
    const silent = take('silent')!;
    silent.waitingSince = 0;
    let stopped = false;
    silent.stop = () => {
      stopped = true;
    };
    expect(pieces.help(helper('quick'), 0)).toMatchObject({ start: MB / 2 });
    pieces.measure(1000);
    const rival = pieces.help(helper('quick'), 1000)!;
    expect(rival).toMatchObject({ start: 0, end: silent.end });
    expect(silent.rival).toBe(rival);
    expect(pieces.claim({ start: 0, end: 100 })).toEqual([{ start: 0, end: 100 }]);
    expect(pieces.claim({ start: 50, end: 150 })).toEqual([{ start: 100, end: 150 }]);
    bring(rival, rival.end);
    pieces.give(rival);
    expect(stopped).toBe(true);
  });

  it('that hold up all behind them are cut while there is still enough to do', () => {
    const { pieces, bring, take } = planned(100 * MB, { speeds: { quick: MB } });
    const slow = take('slow')!;
    slow.waitingSince = 0;
    bring(slow, 10_000);
    pieces.measure(1000); // 10 kB a second: 4 MB would take 400 s
    expect(take('quick')).toMatchObject({ start: 50_000 });
    expect(slow.end).toBe(50_000);
  });

  it('of a file of unknown size are not divided, and reach to its end for a server without ranges', () => {
    const { pieces, take } = planned(undefined);
    const piece = take()!;
    expect(piece).toMatchObject({ start: 0, end: 4 * MB });
    pieces.extend(piece);
    expect(piece.end).toBe(Number.POSITIVE_INFINITY);
    expect(take()).toBeUndefined();
    piece.waitingSince = 0;
    pieces.measure(1000);
    expect(pieces.help(helper('b'), 1000)).toMatchObject({ start: 0, end: Number.POSITIVE_INFINITY });
  });

  it('reach up to what is taken or there', () => {
    const { pieces, take } = planned(30 * MB, { done: [[20 * MB, 22 * MB]] });
    const piece = take()!;
    pieces.extend(piece);
    expect(piece.end).toBe(20 * MB);
    expect(take()).toMatchObject({ start: 22 * MB });
  });

  it('are none for a file that is there, or empty', () => {
    expect(planned(MB, { done: [[0, MB]] }).take()).toBeUndefined();
    expect(planned(0).take()).toBeUndefined();
  });
});
