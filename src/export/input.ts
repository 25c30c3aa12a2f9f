/** The input of an export: verified, read and selected from, before anything is written. */
import { throwIfAborted } from '../core/index.js';
import type { SplitName } from '../manifest/index.js';
import { isSelective, resolveSelection, select } from '../selection/index.js';
import { type Input, openInput } from '../verified/index.js';
import type { SplitSummary } from './formats/index.js';
import type { ExportOptions, Settings } from './options.js';
import type { ExportHeader } from './output/index.js';
import { type SplitFacts, shareFacts } from './workers/index.js';

export interface ExportInput {
  readonly header: ExportHeader;
  /** Labels, meta rows and order of each split of the header. */
  readonly facts: ReadonlyMap<SplitName, SplitFacts>;
  /** @throws PcamError NOT_VERIFIED when a file has been touched since the input was opened */
  readonly requireUnchanged: Input['requireUnchanged'];
}

/** @throws PcamError USAGE, MISSING, NOT_VERIFIED, EMPTY_SELECTION, BAD_HDF5, BAD_CSV, BAD_DATA, ABORTED */
export async function readInput(
  { dir, manifest, recipe }: Settings,
  { splits, selection = {}, signal, onEvent }: ExportOptions,
): Promise<ExportInput> {
  const input = await openInput({ dir, manifest, splits, required: ['labels'], signal, onEvent });
  const resolved = await resolveSelection(selection, input.splits);
  const files = await input.verify();
  // All patches in their order need no list of indices.
  const selected = isSelective(selection)
    ? await select({ input, selection: resolved, signal, onEvent })
    : undefined;
  const summaries: SplitSummary[] = [];
  const facts = new Map<SplitName, SplitFacts>();
  for (const split of input.splits) {
    throwIfAborted(signal);
    const order = selected?.selections.find((one) => one.split === split)?.indices ?? null;
    // Nothing of the split was selected: it is no part of this export.
    if (selected && !order) continue;
    const labels = (await input.labels(split))!;
    summaries.push({ split, patches: order?.length ?? labels.length });
    facts.set(split, shareFacts({ labels, meta: await input.meta(split), order }));
  }
  return {
    header: {
      recipe: selected ? { ...recipe, selection: selected.record } : recipe,
      splits: summaries,
      inputs: files.filter(({ split }) => facts.has(split)),
    },
    facts,
    requireUnchanged: input.requireUnchanged,
  };
}
