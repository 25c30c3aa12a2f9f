/** Turns selection options into lists of patch indices: filters, then sampling, then the order. */
import { DEFAULTS, type OnEvent, PcamError, Random, throwIfAborted } from '../core/index.js';
import { locate } from '../dataset/index.js';
import { type Manifest, resolveManifest, SPLITS, type SplitName } from '../manifest/index.js';
import { DigestTable, type SplitScanRequest, scanSplit, sumUpScans } from '../scan/index.js';
import { type Input, openInput } from '../verified/index.js';
import { listedIndices } from './indices-file.js';
import {
  describeSelection,
  isSelective,
  type ResolvedSelection,
  recordOf,
  resolveSelection,
  type SelectionOptions,
  type SelectionRecord,
} from './options.js';
import { type Facts, sampleOf } from './sample.js';
import { SlideFilter } from './slides.js';

/** The selected patches of one split. */
export interface PatchSelection {
  readonly split: SplitName;
  /** Their indices in the split, in the order in which they are to be taken. */
  readonly indices: Uint32Array;
  /** All patches of the split, in the order of its file. */
  readonly whole: boolean;
}

/** The selected patches, and how an export records what was asked for. */
export interface Selected {
  /** Of the splits that have any, in their order. */
  readonly selections: readonly PatchSelection[];
  readonly record: SelectionRecord | undefined;
}

/** The stream of random numbers of `shuffle`; samples have their own. */
const ORDER = 0x0de5;

/**
 * Selects patches of some splits: the same ones in the same order for the same data, options and seed, on every
 * machine, and for a split whichever others are chosen. Some 4 bytes per patch are held.
 * @param request.splits default: those whose images are in the folder
 * @returns one entry per split that has any, in the order of the splits
 * @throws PcamError USAGE when an option cannot be met, such as a sample of more than there is; EMPTY_SELECTION when
 *   nothing is left; MISSING, BAD_HDF5, BAD_CSV, BAD_DATA; ABORTED
 */
export async function selectPatches({
  dir = DEFAULTS.dir,
  selection,
  signal,
  onEvent,
  ...request
}: {
  dir?: string;
  manifest?: Manifest | string;
  splits?: readonly SplitName[];
  selection: SelectionOptions;
  signal?: AbortSignal;
  onEvent?: OnEvent;
}): Promise<PatchSelection[]> {
  const manifest = await resolveManifest(request.manifest, dir);
  const input = await openInput({ dir, manifest, splits: request.splits, signal, onEvent });
  const resolved = await resolveSelection(selection, input.splits);
  return [...(await select({ input, selection: resolved, signal, onEvent })).selections];
}

/** Puts patches of a split into the random order of a seed, in place. */
export function shufflePatches(indices: Uint32Array, split: SplitName, seed = 0): void {
  new Random(seed, SPLITS.indexOf(split), ORDER).shuffle(indices);
}

/** The same with splits that are open and options that are resolved. */
export async function select({
  input,
  selection: { options, file },
  signal,
  onEvent,
}: {
  input: Input;
  selection: ResolvedSelection;
  signal?: AbortSignal;
  onEvent?: OnEvent;
}): Promise<Selected> {
  const { dir, manifest, splits } = input;
  const slides = options.slides && new SlideFilter(options.slides);
  const scans = options.unique ? await sumUpScans({ dir, manifest, splits, onEvent }) : undefined;
  const selections: PatchSelection[] = [];
  let total = 0;
  for (const split of splits) {
    throwIfAborted(signal);
    const facts = await readFacts(input, split, options);
    total += facts.count;
    const kept = new Filter(facts.count);
    if (file) {
      const listed = listedIndices(file, split, facts.count);
      kept.keep((index) => listed.has(index));
    }
    if (scans) {
      const firsts = await firstOfEach({ dir, manifest, split, signal, onEvent: scans.onEvent });
      scans.done(split);
      kept.keep((index) => firsts[index] === 1);
    }
    if (options.label !== undefined) kept.keep((index) => facts.labels![index] === options.label);
    if (slides) {
      const wanted = slides.among(facts.meta!.slides);
      kept.keep((index) => wanted.has(facts.meta!.row(index).wsi));
    }
    const candidates = kept.indices();
    if (candidates.length === 0) continue;
    const indices = sampleOf({ split, candidates, facts, selection: options });
    if (options.shuffle) shufflePatches(indices, split, options.seed);
    selections.push({ split, indices, whole: !options.shuffle && indices.length === facts.count });
  }
  slides?.requireUsed(splits);
  if (selections.length === 0) throw empty(options, splits, total);
  return { selections, record: recordOf({ options, file }) };
}

/** @throws PcamError MISSING when a file that an option needs is not in the folder */
async function readFacts(
  input: Input,
  split: SplitName,
  { label, perClass, slides, perSlide }: SelectionOptions,
): Promise<Facts> {
  const needsLabels = label !== undefined || perClass !== undefined;
  const needsMeta = slides !== undefined || perSlide !== undefined;
  const labels = needsLabels ? await input.labels(split) : null;
  const meta = needsMeta ? await input.meta(split) : null;
  if (needsLabels && !labels) {
    throw missing(input, { split, kind: 'labels', what: `the labels of ${split} are missing` });
  }
  if (needsMeta && !meta) {
    throw missing(input, { split, kind: 'meta', what: `the slides of ${split} are in its meta CSV` });
  }
  return { count: await input.count(split), labels, meta };
}

function missing(
  { dir, manifest }: Input,
  { split, kind, what }: { split: SplitName; kind: 'labels' | 'meta'; what: string },
): PcamError {
  const file = locate({ dir, manifest, split, kind });
  const found = file ? `there is no ${file.path}` : 'the manifest has none';
  return new PcamError('MISSING', `${what}, and ${found}`, {
    hint: `fetch it, or select without ${kind === 'meta' ? 'slides' : 'labels'}`,
    next: { command: 'download', splits: [split], kinds: [kind] },
  });
}

/** The patches of a split that have passed every filter so far. */
class Filter {
  readonly #kept: Uint8Array;

  constructor(count: number) {
    this.#kept = new Uint8Array(count).fill(1);
  }

  keep(passes: (index: number) => boolean): void {
    for (let i = 0; i < this.#kept.length; i++) if (this.#kept[i] && !passes(i)) this.#kept[i] = 0;
  }

  /** Ascending. */
  indices(): Uint32Array {
    const indices = new Uint32Array(this.#kept.reduce((sum, one) => sum + one, 0));
    for (let i = 0, to = 0; i < this.#kept.length; i++) if (this.#kept[i]) indices[to++] = i;
    return indices;
  }
}

/** Shape (count): 1 for the first of pixel-identical patches, 0 for its copies. */
async function firstOfEach(request: SplitScanRequest): Promise<Uint8Array> {
  const { count, sha1 } = await scanSplit(request);
  const table = new DigestTable({ count, sha1 });
  return Uint8Array.from({ length: count }, (_, patch) => Number(table.enter(patch) === patch));
}

function empty(options: SelectionOptions, splits: readonly SplitName[], total: number): PcamError {
  const wanted = isSelective(options) ? ` (${describeSelection(options)})` : '';
  const message = `the selection${wanted} is empty: none of the ${total} patches of ${splits.join(', ')} is left`;
  return new PcamError('EMPTY_SELECTION', message, { hint: 'widen the selection, or choose other splits' });
}
