/** Everything measured about one split: its scan, labels and meta rows, and the figures derived from them. */
import { join } from 'node:path';
import { CHANNELS, throwIfAborted } from '../../core/index.js';
import { locate, type MetaTable } from '../../dataset/index.js';
import { finalName, type SplitName } from '../../manifest/index.js';
import {
  DigestTable,
  LEVELS,
  type Scan,
  type SplitScan,
  type SplitScanRequest,
  scanSplit,
  UNIFORM,
} from '../../scan/index.js';
import type { Input } from '../../verified/index.js';
import type { Channels, Duplicates, SlideCount, SplitStats } from './types.js';

export interface SplitDetails extends CopiesOfPatches {
  readonly split: SplitName;
  readonly scan: SplitScan;
  readonly labels: Uint8Array | null;
  readonly meta: MetaTable | null;
  readonly stats: SplitStats;
  /** Of each different patch once. */
  readonly uniqueChannels: Channels;
  /** Paths of the files that are not the manifest's. */
  readonly foreign: readonly string[];
}

/** Shape (patches) each. */
interface CopiesOfPatches {
  /** The first patch of the split with the same pixels: the patch itself where there is none before it. */
  readonly first: Uint32Array;
  /** Patches of the split with these pixels, this one included. */
  readonly copies: Uint32Array;
}

export async function measureSplit(
  input: Input,
  split: SplitName,
  options: Pick<SplitScanRequest, 'workers' | 'signal' | 'onEvent'>,
): Promise<SplitDetails> {
  const { dir, manifest } = input;
  // Labels and meta first, so that an error in them is reported before the scan, which takes minutes.
  const labels = await input.labels(split);
  const meta = await input.meta(split);
  const foreign: string[] = [];
  for (const file of input.files) {
    if (file.split !== split || file.kind === 'images' || (await input.matches(file))) continue;
    foreign.push(join(dir, finalName(file)));
  }
  const scan = await scanSplit({ dir, manifest, split, ...options });
  if (!scan.verified) foreign.unshift(locate({ dir, manifest, split, kind: 'images' })!.path);
  throwIfAborted(options.signal);
  const copies = copiesOfPatches(scan);
  const unique = copies.first.reduce((sum, first, patch) => sum + Number(first === patch), 0);
  const positive = labels?.reduce((sum, label) => sum + label, 0) ?? null;
  const perSlide = meta && slidesOf(meta, labels);
  const stats: SplitStats = {
    split,
    patches: scan.count,
    positive,
    negative: positive === null ? null : scan.count - positive,
    unique,
    channels: channelsOf(scan.histograms.all),
    slides: perSlide?.length ?? null,
    perSlide,
    duplicates: duplicatesOf(copies, labels),
    uniform: coloursOf(scan.uniform),
  };
  const uniqueChannels = channelsOf(scan.histograms.unique);
  return { split, scan, labels, meta, stats, uniqueChannels, foreign, ...copies };
}

function slidesOf(meta: MetaTable, labels: Uint8Array | null): SlideCount[] {
  const slides = new Map(meta.slides.map((wsi) => [wsi, { wsi, patches: 0, positive: labels ? 0 : null }]));
  for (let patch = 0; patch < meta.rows; patch++) {
    const slide = slides.get(meta.row(patch).wsi)!;
    slide.patches++;
    if (labels) slide.positive! += labels[patch]!;
  }
  return [...slides.values()].sort((a, b) => (a.wsi < b.wsi ? -1 : 1));
}

function coloursOf(uniform: Uint8Array): SplitStats['uniform'] {
  const counts = new Uint32Array(Object.keys(UNIFORM).length);
  for (const colour of uniform) counts[colour]!++;
  return { white: counts[UNIFORM.white]!, black: counts[UNIFORM.black]!, other: counts[UNIFORM.other]! };
}

function copiesOfPatches({ count, sha1 }: Pick<Scan, 'count' | 'sha1'>): CopiesOfPatches {
  const table = new DigestTable({ count, sha1 });
  const first = Uint32Array.from({ length: count }, (_, patch) => table.enter(patch));
  const times = new Uint32Array(count);
  for (const patch of first) times[patch]!++;
  return { first, copies: first.map((patch) => times[patch]!) };
}

function duplicatesOf({ first, copies }: CopiesOfPatches, labels: Uint8Array | null): Duplicates {
  let [extra, groups, largest, positive] = [0, 0, 0, 0];
  const bothLabels = new Set<number>();
  for (let patch = 0; patch < first.length; patch++) {
    largest = Math.max(largest, copies[patch]!);
    if (first[patch] === patch) {
      if (copies[patch]! > 1) groups++;
      continue;
    }
    extra++;
    if (!labels) continue;
    positive += labels[patch]!;
    if (labels[patch] !== labels[first[patch]!]) bothLabels.add(first[patch]!);
  }
  return {
    ...{ extra, groups, largest },
    positive: labels ? positive : null,
    negative: labels ? extra - positive : null,
    conflicting: labels ? bothLabels.size : null,
  };
}

/**
 * Mean and standard deviation of the channels: whole numbers up to the last division.
 * @param histogram shape (3, 256)
 */
export function channelsOf(histogram: Float64Array): Channels {
  const rows = Array.from({ length: CHANNELS }, (_, channel) => [
    ...histogram.subarray(channel * LEVELS, (channel + 1) * LEVELS),
  ]);
  const moments = rows.map(momentsOf);
  return { mean: moments.map(({ mean }) => mean), std: moments.map(({ std }) => std), histogram: rows };
}

function momentsOf(times: readonly number[]): { mean: number; std: number } {
  let [count, sum, squares] = [0n, 0n, 0n];
  for (const [value, n] of times.entries()) {
    count += BigInt(n);
    sum += BigInt(n * value);
    squares += BigInt(n * value * value);
  }
  const pixels = Number(count);
  // The products, over 2.4 billion pixels, exceed the 53 bits of a double.
  const variance = Number(count * squares - sum * sum) / (pixels * pixels);
  return { mean: Number(sum) / pixels, std: Math.sqrt(variance) };
}
