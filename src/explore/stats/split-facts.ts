/** All that is known of one split: its scan, labels and meta rows, and what follows from them. */
import { join } from 'node:path';
import { throwIfAborted } from '../../core/index.js';
import { arrayOf, countPatches, locate, type MetaTable, readLabels, readMeta } from '../../dataset/index.js';
import { holds, Inventory } from '../../inventory/index.js';
import { contentsOf, type Kind, type SplitName } from '../../manifest/index.js';
import { type SplitScan, type SplitScanRequest, scanSplit, UNIFORM } from '../../scan/index.js';
import { layout, Receipts } from '../../store/index.js';
import { channelsOf } from './channels.js';
import { type CopiesOfPatches, copiesOfPatches, duplicatesOf } from './copies.js';
import type { Channels, SlideCount, SplitStats } from './types.js';

export interface SplitDetails extends CopiesOfPatches {
  readonly split: SplitName;
  readonly scan: SplitScan;
  readonly labels: Uint8Array | null;
  readonly meta: MetaTable | null;
  readonly stats: SplitStats;
  /** Of each different patch once. */
  readonly uniqueChannels: Channels;
  /** Paths of the files that are not what the manifest has. */
  readonly foreign: readonly string[];
}

export async function readSplit(request: SplitScanRequest): Promise<SplitDetails> {
  const { split, signal } = request;
  // Labels and meta first: an error in them is reported at once, and not after minutes.
  const { labels, meta, foreign } = await readSmallFiles(request);
  const scan = await scanSplit(request);
  throwIfAborted(signal);
  const copies = copiesOfPatches(scan);
  const { count, histograms, verified } = scan;
  const unique = copies.first.reduce((sum, first, patch) => sum + Number(first === patch), 0);
  const positive = labels?.reduce((sum, label) => sum + label, 0) ?? null;
  const perSlide = meta && slidesOf(meta, labels);
  const stats: SplitStats = {
    split,
    patches: count,
    positive,
    negative: positive === null ? null : count - positive,
    unique,
    channels: channelsOf(histograms.all),
    slides: perSlide?.length ?? null,
    perSlide,
    duplicates: duplicatesOf(copies, labels),
    uniform: coloursOf(scan.uniform),
  };
  const uniqueChannels = channelsOf(histograms.unique);
  const images = verified ? [] : [locate({ ...request, kind: 'images' })!.path];
  return { split, scan, labels, meta, stats, uniqueChannels, foreign: [...images, ...foreign], ...copies };
}

/** Labels and meta rows, where they are there, and the paths of those that are not the manifest's. */
async function readSmallFiles({ dir, manifest, split, signal, onEvent }: SplitScanRequest): Promise<{
  labels: Uint8Array | null;
  meta: MetaTable | null;
  foreign: string[];
}> {
  const count = await countPatches({ dir, manifest, split });
  const present = (kind: Kind) => (locate({ dir, manifest, split, kind })?.present ? kind : undefined);
  const labels = present('labels')
    ? await readLabels({ ...arrayOf({ dir, manifest, split, kind: 'labels' }), count })
    : null;
  const metaFile = locate({ dir, manifest, split, kind: 'meta' });
  const meta = metaFile?.present ? await readMeta({ file: metaFile.path, count, signal }) : null;
  const receipts = await Receipts.load(layout(dir).receipts);
  const inventory = new Inventory({ dir, manifest, receipts, signal, onEvent });
  const foreign: string[] = [];
  for (const kind of [present('labels'), present('meta')]) {
    if (!kind) continue;
    const entry = manifest.files.find((file) => file.split === split && file.kind === kind)!;
    const { final: content } = contentsOf(entry);
    const found = await inventory.read(content);
    if (!found || !holds(found, content)) foreign.push(join(dir, content.name));
  }
  return { labels, meta, foreign };
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
