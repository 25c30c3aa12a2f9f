/** The input of an export: verified, opened and selected from, before anything is written. */
import { openSplit } from '../dataset/index.js';
import type { DatasetFile, SplitName } from '../manifest/index.js';
import { isSelective, type Selected, select } from '../selection/index.js';
import { describeInputs, verifiedDigests } from '../verified/index.js';
import type { SplitSummary } from './formats/index.js';
import type { LedgerHeader } from './output/index.js';
import type { Settings } from './settings.js';
import type { ResolvedOptions } from './types.js';
import { type SplitFacts, shareFacts } from './workers/index.js';

/** What an export reads. */
export interface Input {
  readonly header: LedgerHeader;
  readonly facts: ReadonlyMap<SplitName, SplitFacts>;
}

/** Verifies the input, then opens each split to see that its files belong together. */
export async function surveyInput({
  options,
  settings: { splits, recipe },
  files,
}: {
  options: ResolvedOptions;
  settings: Settings;
  files: readonly DatasetFile[];
}): Promise<Input> {
  const { dir, manifest, signal, onEvent, inputDigests = verifiedDigests } = options;
  const digests = await inputDigests({
    dir,
    manifest,
    files,
    signal,
    onEvent,
  });
  const selected = await selectFrom(options, splits);
  const summaries: SplitSummary[] = [];
  const facts = new Map<SplitName, SplitFacts>();
  for (const name of splits) {
    const selection = selected?.selections.find(({ split }) => split === name);
    // Nothing of it was selected, so it is no part of this export.
    if (selected && !selection) continue;
    const split = await openSplit({ dir, manifest, split: name, signal });
    summaries.push({ split: name, patches: selection?.indices.length ?? split.count });
    facts.set(name, shareFacts(split, selection?.indices));
    split.close();
  }
  const inputs = describeInputs(files, digests).filter(({ split }) => facts.has(split));
  const asked = selected ? { ...recipe, selection: selected.record } : recipe;
  return { facts, header: { recipe: asked, splits: summaries, inputs } };
}

/** `undefined` when it is all patches in their order. */
async function selectFrom(
  { dir, manifest, selection = {}, signal, onEvent }: ResolvedOptions,
  splits: readonly SplitName[],
): Promise<Selected | undefined> {
  if (!isSelective(selection)) return undefined;
  return select({ dir, manifest, splits, selection, signal, onEvent });
}
