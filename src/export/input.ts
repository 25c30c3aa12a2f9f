/** The input of an export: verified, opened and selected from, before anything is written. */
import { openSplit } from '../dataset/index.js';
import type { SplitName } from '../manifest/index.js';
import { isSelective, type ResolvedSelection, select } from '../selection/index.js';
import type { Input } from '../verified/index.js';
import type { SplitSummary } from './formats/index.js';
import type { LedgerHeader } from './output/index.js';
import type { Settings } from './settings.js';
import type { ResolvedOptions } from './types.js';
import { type SplitFacts, shareFacts } from './workers/index.js';

/** What an export reads. */
export interface Survey {
  readonly header: LedgerHeader;
  readonly facts: ReadonlyMap<SplitName, SplitFacts>;
}

/** Verifies the input, selects from it, and opens each split to see that its files belong together. */
export async function surveyInput({
  options: { signal, onEvent },
  settings: { recipe },
  input,
  selection,
}: {
  options: ResolvedOptions;
  settings: Settings;
  input: Input;
  selection: ResolvedSelection;
}): Promise<Survey> {
  const { dir, manifest } = input;
  const files = await input.verify();
  // All patches in their order need no list of indices.
  const selected = isSelective(selection.options)
    ? await select({ input, selection, signal, onEvent })
    : undefined;
  const summaries: SplitSummary[] = [];
  const facts = new Map<SplitName, SplitFacts>();
  for (const name of input.splits) {
    const selection = selected?.selections.find(({ split }) => split === name);
    // Nothing of it was selected, so it is no part of this export.
    if (selected && !selection) continue;
    const split = await openSplit({ dir, manifest, split: name, signal });
    summaries.push({ split: name, patches: selection?.indices.length ?? split.count });
    facts.set(name, shareFacts(split, selection?.indices));
    split.close();
  }
  const inputs = files.filter(({ split }) => facts.has(split));
  const asked = selected ? { ...recipe, selection: selected.record } : recipe;
  return { facts, header: { recipe: asked, splits: summaries, inputs } };
}
