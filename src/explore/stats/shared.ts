/** What splits have in common, and what all of them have together. */
import type { SplitName } from '../../manifest/index.js';
import { DigestTable, SHA1_BYTES, sumOf } from '../../scan/index.js';
import { channelsOf, type SplitDetails } from './split-stats.js';
import type { Shared, Totals } from './types.js';

/** For each patch of all splits, one after the other, the first patch with the same pixels. Some 40 bytes each. */
export function firstAcross(splits: readonly Pick<SplitDetails, 'scan'>[]): Uint32Array {
  const count = splits.reduce((sum, { scan }) => sum + scan.count, 0);
  const sha1 = new Uint8Array(count * SHA1_BYTES);
  let at = 0;
  for (const { scan } of splits) {
    sha1.set(scan.sha1, at * SHA1_BYTES);
    at += scan.count;
  }
  const table = new DigestTable({ count, sha1 });
  return Uint32Array.from({ length: count }, (_, patch) => table.enter(patch));
}

/** The number of distinct contents in all splits, and in both of two splits, given by their positions. */
function countContents(splits: readonly SplitDetails[]) {
  const first = firstAcross(splits);
  /** Bit n: occurs in split n. */
  const where = new Uint8Array(first.length);
  let at = 0;
  for (const [place, { scan }] of splits.entries()) {
    for (const end = at + scan.count; at < end; at++) where[first[at]!]! |= 1 << place;
  }
  return {
    count: where.reduce((sum, places) => sum + Number(places !== 0), 0),
    common(one: number, other: number) {
      const both = (1 << one) | (1 << other);
      return where.reduce((sum, places) => sum + Number((places & both) === both), 0);
    },
  };
}

export function together(splits: readonly SplitDetails[]): { all: Totals; shared: Shared[] } {
  const contents = countContents(splits);
  const sum = (value: (split: SplitDetails) => number | null) =>
    splits.map(value).reduce((a, b) => (a === null || b === null ? null : a + b), 0);
  const all: Totals = {
    patches: sum(({ stats }) => stats.patches)!,
    positive: sum(({ stats }) => stats.positive),
    negative: sum(({ stats }) => stats.negative),
    unique: contents.count,
    channels: channelsOf(sumOf(splits.map(({ scan }) => scan.histograms.all))),
  };
  const shared: Shared[] = [];
  for (const [i, one] of splits.entries()) {
    for (let j = i + 1; j < splits.length; j++) {
      const other = splits[j]!;
      const pair: [SplitName, SplitName] = [one.split, other.split];
      shared.push({
        splits: pair,
        slides: commonSlides(one, other)?.length ?? null,
        patches: contents.common(i, j),
      });
    }
  }
  return { all, shared };
}

/** Names of the slides that are in both, or `null` when that is unknown. */
export function commonSlides(one: SplitDetails, other: SplitDetails): string[] | null {
  if (!one.meta || !other.meta) return null;
  const known = new Set(one.meta.slides);
  return other.meta.slides.filter((slide) => known.has(slide)).sort();
}
