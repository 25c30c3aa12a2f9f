/** Turns selection options into lists of patch indices: filters, then sampling, then the order. */
import { type OnEvent, PcamError, printable, Random } from '../core/index.js';
import { type Manifest, SPLITS, type SplitName } from '../manifest/index.js';
import { sumUpScans } from '../scan/index.js';
import { type Facts, type Needs, readFacts } from './facts.js';
import { globMatcher } from './globs.js';
import { type IndicesFile, readIndices, requireInRange } from './indices-file.js';
import { checkOptions, describe, isSelective, recordOf, type SelectionRecord } from './request.js';
import { sampleOf } from './sample.js';
import type { PatchSelection, SelectionOptions } from './types.js';
import { firstOfEach } from './unique.js';

export interface SelectRequest {
  /** The data set folder. */
  dir: string;
  manifest: Manifest;
  /** @default the splits of the manifest that have images */
  splits?: readonly SplitName[];
  selection: SelectionOptions;
  signal?: AbortSignal;
  onEvent?: OnEvent;
}

/** The selected patches, and how an export records what was asked for. */
export interface Selected {
  readonly selections: readonly PatchSelection[];
  readonly record: SelectionRecord | undefined;
}

/**
 * Selects patches of some splits: the same ones in the same order for the same data, options and seed, on every
 * machine, and for a split whichever others are chosen. Some 4 bytes per patch are held.
 * @returns one entry per split that has any, in the order of the splits
 * @throws PcamError USAGE when an option cannot be met, such as a sample of more than there is; EMPTY_SELECTION when
 *   nothing is left; MISSING, BAD_HDF5, BAD_CSV, BAD_DATA; ABORTED
 */
export async function selectPatches(request: SelectRequest): Promise<PatchSelection[]> {
  return [...(await select(request)).selections];
}

/**
 * Looks at options, and at the file of indices where there is one, before anything else is read.
 * @throws PcamError USAGE
 */
export async function checkSelection({
  selection,
  splits,
}: {
  selection: SelectionOptions;
  splits: readonly SplitName[];
}): Promise<IndicesFile | undefined> {
  checkOptions(selection);
  return selection.indices === undefined ? undefined : readIndices({ path: selection.indices, splits });
}

/** The same, with the record of the selection. */
export async function select(request: SelectRequest): Promise<Selected> {
  const { dir, manifest, selection, signal, onEvent } = request;
  const splits = chosenSplits(request);
  const file = await checkSelection({ selection, splits });
  const slides = selection.slides && new SlideFilter(selection.slides);
  const selections: PatchSelection[] = [];
  let total = 0;
  const progress = selection.unique ? await sumUpScans({ dir, manifest, splits, onEvent }) : undefined;
  for (const split of splits) {
    const facts = await readFacts({ dir, manifest, split, needs: needsOf(selection), signal });
    total += facts.count;
    const firsts = selection.unique
      ? await firstOfEach({ dir, manifest, split, signal, onEvent: progress?.onEvent })
      : undefined;
    progress?.done(split);
    const filtered = filter({ split, facts, selection, file, slides, firsts });
    if (filtered.length === 0) continue;
    const sampled = sampleOf({ split, candidates: filtered, facts, selection });
    if (selection.shuffle) new Random(selection.seed ?? 0, SPLITS.indexOf(split), ORDER).shuffle(sampled);
    selections.push({ split, indices: sampled, whole: !selection.shuffle && sampled.length === facts.count });
  }
  slides?.requireUsed(splits);
  if (selections.length === 0) throw empty(selection, splits, total);
  return { selections, record: recordOf(selection, file) };
}

/** Keeps the random numbers of the order apart from those of the samples. */
const ORDER = 0x0de5;

function chosenSplits({ manifest, splits = [] }: SelectRequest): SplitName[] {
  const has = (split: SplitName) =>
    manifest.files.some((file) => file.split === split && file.kind === 'images');
  return SPLITS.filter((split) => (splits.length > 0 ? splits.includes(split) : has(split)));
}

function needsOf({ label, perClass, slides, perSlide }: SelectionOptions): Needs {
  return {
    labels: label !== undefined || perClass !== undefined,
    meta: slides !== undefined || perSlide !== undefined,
  };
}

interface FilterRequest {
  split: SplitName;
  facts: Facts;
  selection: SelectionOptions;
  file: IndicesFile | undefined;
  slides: SlideFilter | undefined;
  /** 1 for the first of identical patches. */
  firsts: Uint8Array | undefined;
}

/** The indices that pass every filter, ascending. */
function filter(request: FilterRequest): Uint32Array {
  const { split, facts, selection, file, slides, firsts } = request;
  const { count, labels, meta } = facts;
  const keep = new Uint8Array(count).fill(1);
  const without = (pass: (index: number) => boolean) => {
    for (let i = 0; i < count; i++) if (keep[i] && !pass(i)) keep[i] = 0;
  };
  if (file) {
    const list = file.bySplit.get(split) ?? { indices: [], lines: [] };
    requireInRange(file, split, list, count);
    const listed = new Uint8Array(count);
    for (const index of list.indices) listed[index] = 1;
    without((i) => listed[i] === 1);
  }
  if (firsts) without((i) => firsts[i] === 1);
  if (selection.label !== undefined) without((i) => labels![i] === selection.label);
  if (slides) {
    const wanted = slides.of(meta!.slides);
    without((i) => wanted.has(meta!.row(i).wsi));
  }
  const indices = new Uint32Array(keep.reduce((sum, one) => sum + one, 0));
  for (let i = 0, to = 0; i < count; i++) if (keep[i]) indices[to++] = i;
  return indices;
}

/** Which slides some patterns mean, and which patterns have meant none yet. */
class SlideFilter {
  readonly #globs: readonly { pattern: string; matches: (name: string) => boolean }[];
  readonly #unused: Set<string>;
  readonly #known: string[] = [];

  constructor(patterns: readonly string[]) {
    this.#globs = patterns.map((pattern) => ({ pattern, matches: globMatcher(pattern) }));
    this.#unused = new Set(patterns);
  }

  of(slides: readonly string[]): Set<string> {
    this.#known.push(...slides);
    const wanted = new Set<string>();
    for (const { pattern, matches } of this.#globs) {
      for (const slide of slides.filter(matches)) {
        wanted.add(slide);
        this.#unused.delete(pattern);
      }
    }
    return wanted;
  }

  /** @throws PcamError USAGE naming the slides that there are, when a pattern matches none */
  requireUsed(splits: readonly SplitName[]): void {
    const [pattern] = this.#unused;
    if (pattern === undefined) return;
    const known = [...new Set(this.#known)].sort();
    const some =
      known.length > 12 ? `${known.slice(0, 12).join(', ')}, … (${known.length} in all)` : known.join(', ');
    throw new PcamError('USAGE', `no slide of ${splits.join(', ')} matches ${printable(pattern, 100)}`, {
      hint: `there are ${printable(some, 1000)}`,
    });
  }
}

function empty(selection: SelectionOptions, splits: readonly SplitName[], total: number): PcamError {
  const wanted = isSelective(selection) ? ` (${describe(selection)})` : '';
  const message = `the selection${wanted} is empty: none of the ${total} patches of ${splits.join(', ')} is left`;
  return new PcamError('EMPTY_SELECTION', message, { hint: 'widen the selection, or choose other splits' });
}
