/** A set of byte offsets as sorted, disjoint, half-open ranges. */
import type { ByteRange } from '../core/index.js';

export class RangeSet {
  #ranges: ByteRange[] = [];

  constructor(ranges: Iterable<ByteRange> = []) {
    for (const { start, end } of [...ranges].sort((a, b) => a.start - b.start)) {
      const last = this.#ranges.at(-1);
      if (end <= start) continue;
      if (last && start <= last.end)
        this.#ranges[this.#ranges.length - 1] = { start: last.start, end: Math.max(last.end, end) };
      else this.#ranges.push({ start, end });
    }
  }

  get ranges(): readonly ByteRange[] {
    return this.#ranges;
  }

  /** Number of bytes in the set. */
  get size(): number {
    return this.#ranges.reduce((sum, { start, end }) => sum + (end - start), 0);
  }

  add(range: ByteRange): void {
    if (range.end <= range.start) return;
    let { start, end } = range;
    const before: ByteRange[] = [];
    const after: ByteRange[] = [];
    for (const r of this.#ranges) {
      if (r.end < start) before.push(r);
      else if (r.start > end) after.push(r);
      else {
        start = Math.min(start, r.start);
        end = Math.max(end, r.end);
      }
    }
    this.#ranges = [...before, { start, end }, ...after];
  }

  /** What of `within` is not in the set, in order. */
  gaps(within: ByteRange): ByteRange[] {
    const gaps: ByteRange[] = [];
    let from = within.start;
    for (const r of this.#ranges) {
      if (r.end <= from) continue;
      if (r.start >= within.end) break;
      if (r.start > from) gaps.push({ start: from, end: r.start });
      from = r.end;
    }
    if (from < within.end) gaps.push({ start: from, end: within.end });
    return gaps;
  }

  /** The first gap of `within`, without listing the others. */
  firstGap(within: ByteRange): ByteRange | undefined {
    if (within.end <= within.start) return undefined;
    let from = within.start;
    for (const r of this.#ranges) {
      if (r.end <= from) continue;
      if (r.start > from) return { start: from, end: Math.min(r.start, within.end) };
      from = r.end;
      if (from >= within.end) return undefined;
    }
    return from < within.end ? { start: from, end: within.end } : undefined;
  }

  /** End of the range that begins at 0: how far the file is there without a hole. */
  get prefix(): number {
    const first = this.#ranges[0];
    return first && first.start === 0 ? first.end : 0;
  }
}
