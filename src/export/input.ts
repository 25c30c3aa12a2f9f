/** The input of an export: opened, verified, read and selected from, before anything is written. */
import { createHash } from 'node:crypto';
import { throwIfAborted } from '../core/index.js';
import { finalMd5, finalName, type Manifest, SPLITS, type SplitName } from '../manifest/index.js';
import {
  isSelective,
  type ResolvedSelection,
  recordOf,
  resolveSelection,
  select,
} from '../selection/index.js';
import { type Input, openInput } from '../verified/index.js';
import type { Recipe, SplitSummary } from './formats/index.js';
import type { ExportOptions, Settings } from './options.js';
import type { ExportHeader } from './output/index.js';
import { type SplitFacts, shareFacts } from './workers/index.js';

export interface OpenedInput {
  readonly input: Input;
  readonly selection: ResolvedSelection;
  /** With the selection. */
  readonly recipe: Recipe;
}

/** @throws PcamError USAGE, MISSING */
export async function openExportInput(
  { dir, manifest, format, recipe }: Settings,
  { splits, selection: asked = {}, signal, onEvent }: ExportOptions,
): Promise<OpenedInput> {
  const wanted = format.fixed ? SPLITS : splits;
  const input = await openInput({ dir, manifest, splits: wanted, required: ['labels'], signal, onEvent });
  const selection = await resolveSelection(asked, input.splits);
  const record = recordOf(selection);
  return { input, selection, recipe: record ? { ...recipe, selection: record } : recipe };
}

export interface ExportInput {
  /** Digest of the recipe and of the data set that the manifest describes. */
  readonly key: string;
  readonly header: ExportHeader;
  /** Labels, meta rows and order of each split of the header. */
  readonly facts: ReadonlyMap<SplitName, SplitFacts>;
}

/** @throws PcamError USAGE, NOT_VERIFIED, EMPTY_SELECTION, BAD_HDF5, BAD_CSV, BAD_DATA, ABORTED */
export async function readInput(
  { format }: Settings,
  { input, selection, recipe }: OpenedInput,
  { signal, onEvent }: ExportOptions,
): Promise<ExportInput> {
  const files = await input.verify();
  // All patches in their order need no list of indices.
  const selected = isSelective(selection.options)
    ? await select({ input, selection, signal, onEvent })
    : undefined;
  const splits: SplitSummary[] = [];
  const facts = new Map<SplitName, SplitFacts>();
  for (const split of input.splits) {
    throwIfAborted(signal);
    const indices = selected?.selections.find((one) => one.split === split)?.indices;
    // Nothing of the split was selected: it is no part of this export.
    if (selected && !indices) continue;
    const labels = (await input.labels(split))!;
    const order = arrange({ format, recipe, split, indices, patches: labels.length });
    splits.push({ split, patches: order?.length ?? labels.length });
    const fact = shareFacts({ labels, meta: await input.meta(split), order });
    facts.set(split, fact);
    format.requireLabels?.({ split, labels: exportedLabels(fact) });
  }
  const header = { recipe, splits, inputs: files.filter(({ split }) => facts.has(split)) };
  return { key: keyOf(recipe, input.manifest), header, facts };
}

/** The same for all parts and splits of an export. */
export function keyOf(recipe: Recipe, { files }: Manifest): string {
  const contents = files.map((file) => [finalName(file), finalMd5(file)]);
  return createHash('sha256')
    .update(JSON.stringify([recipe, contents]))
    .digest('hex')
    .slice(0, 16);
}

/** Indices in the order of the export; `null` when it is all patches in their order. */
function arrange({
  format,
  recipe,
  split,
  indices,
  patches,
}: {
  format: Settings['format'];
  recipe: Recipe;
  split: SplitName;
  indices: Uint32Array | undefined;
  patches: number;
}): Uint32Array | null {
  if (!format.arrange) return indices ?? null;
  const all = indices ?? Uint32Array.from({ length: patches }, (_, index) => index);
  const arranged = format.arrange({ split, recipe, indices: all });
  return arranged === all ? (indices ?? null) : arranged;
}

/** Labels in the order of the export. */
export function exportedLabels({ labels, order }: SplitFacts): Uint8Array {
  return order ? Uint8Array.from(order, (index) => labels[index]!) : labels;
}
