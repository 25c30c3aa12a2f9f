/** What splits have in common, and what all of them have together. */
import type { SplitName } from '../../manifest/index.js';
import { DigestTable, SHA1_BYTES, sumOf } from '../../scan/index.js';
import { channelsOf } from './channels.js';
import type { SplitDetails } from './split-facts.js';
import type { Shared, Totals } from './types.js';

/** The different contents of some splits together. */
interface Contents {
  readonly count: number;
  /** How many occur in both of two splits, by their places. */
  common(one: number, other: number): number;
}

/** Every content of every split once, with the splits that it occurs in: some 30 bytes each. */
function contentsOf(splits: readonly SplitDetails[]): Contents {
  const total = splits.reduce((sum, { scan }) => sum + scan.count, 0);
  const sha1 = new Uint8Array(total * SHA1_BYTES);
  const table = new DigestTable({ count: total, sha1 });
  /** Bit n: occurs in split n. */
  const where = new Uint8Array(total);
  let [at, count] = [0, 0];
  for (const [place, { scan }] of splits.entries()) {
    sha1.set(scan.sha1, at * SHA1_BYTES);
    for (let patch = at; patch < at + scan.count; patch++) {
      const first = table.enter(patch);
      if (first === patch) count++;
      where[first]! |= 1 << place;
    }
    at += scan.count;
  }
  return {
    count,
    common(one, other) {
      const both = (1 << one) | (1 << other);
      return where.reduce((sum, splits) => sum + Number((splits & both) === both), 0);
    },
  };
}

export function together(splits: readonly SplitDetails[]): { all: Totals; shared: Shared[] } {
  const contents = contentsOf(splits);
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
