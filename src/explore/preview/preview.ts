/** `preview`: writes a contact sheet of some patches. */
import { extname } from 'node:path';
import {
  DEFAULTS,
  LIMITS,
  type OnEvent,
  PcamError,
  requireWithin,
  throwIfAborted,
} from '../../core/index.js';
import { arrayOf, openImages } from '../../dataset/index.js';
import { writeOutput } from '../../fs/index.js';
import { type Manifest, resolveManifest, type SplitName } from '../../manifest/index.js';
import {
  type ResolvedSelection,
  resolveSelection,
  type SelectionOptions,
  select,
} from '../../selection/index.js';
import { type Input, openInput, requireOutputFile } from '../../verified/index.js';
import { asListed, type Candidates, type Choice, firstOf, spreadOf } from './choose.js';
import { drawSheet, type PatchPlace, type SheetPatch, sheetSize } from './sheet.js';

export interface PreviewOptions {
  /** The data set folder. @default 'pcam' */
  dir?: string;
  /** A manifest, or the path of one. @default the built-in one */
  manifest?: Manifest | string;
  /** @default the splits whose images are in the folder */
  splits?: readonly SplitName[];
  /** @default half positive and half negative patches, spread over slides */
  selection?: SelectionOptions;
  /** @default 4, and as many as a sample needs, up to 32 */
  rows?: number;
  /** @default 8 */
  cols?: number;
  /** Px of the picture per px of a patch. @default 2 */
  scale?: number;
  signal?: AbortSignal;
  onEvent?: OnEvent;
}

export interface PreviewResult {
  ok: true;
  out: string;
  /** Size of the picture in px. */
  width: number;
  height: number;
  /** Row by row: which patch it is, and where: top left corner and side in px. */
  patches: (PatchPlace & Pick<SheetPatch, 'split' | 'index' | 'label'>)[];
}

const MAX_ROWS = 32;
/** A picture of 10,000 x 10,000 px is as large as most viewers open. */
const MAX_PIXELS = 100_000_000;

/**
 * Writes a contact sheet as PNG: the same bytes for the same data, options and seed, on every machine.
 * @param options.out the file, in a folder that exists; it appears whole or not at all
 * @throws PcamError USAGE; EMPTY_SELECTION; MISSING, BAD_HDF5, BAD_CSV, BAD_DATA; NOT_A_FOLDER, DISK_FULL,
 *   NO_PERMISSION, IO; ABORTED
 */
export async function preview(options: PreviewOptions & { out: string }): Promise<PreviewResult> {
  const { out, dir = DEFAULTS.dir, scale = DEFAULTS.preview.scale } = options;
  const manifest = await resolveManifest(options.manifest, dir);
  const target = await requireOutputFile({ path: out, dir, manifest });
  if (extname(out).toLowerCase() !== '.png') {
    throw new PcamError('USAGE', `a contact sheet is a PNG file, and ${out} does not end in .png`, {
      hint: 'choose a name such as sheet.png',
    });
  }
  const { patches, cols } = await choosePatches({ ...options, manifest });
  const sheet = drawSheet(patches, { cols, scale });
  await writeOutput({ path: out, target }, await sheet.png(options.signal));
  const { width, height, places } = sheet;
  const shown = patches.map(({ split, index, label }, i) => ({ split, index, label, ...places[i]! }));
  return { ok: true, out, width, height, patches: shown };
}

export interface ChosenPatches {
  patches: readonly SheetPatch[];
  /** Patches per row; no more than there are. */
  cols: number;
}

/**
 * The patches of a sheet with their pixels, and how wide it is.
 * @throws PcamError as `preview` does
 */
export async function choosePatches(options: PreviewOptions): Promise<ChosenPatches> {
  const { dir = DEFAULTS.dir, splits, signal, onEvent } = options;
  const manifest = await resolveManifest(options.manifest, dir);
  const input = await openInput({ dir, manifest, splits, signal, onEvent });
  const chosen = await choosePatchesOf(input, options);
  await input.requireUnchanged();
  return chosen;
}

/**
 * The same of splits that are open. A file of indices is shown in its own order, and a selection that samples or shuffles
 * as it is; from any other one, half positive and half negative patches are chosen, spread over slides and splits.
 */
export async function choosePatchesOf(input: Input, options: PreviewOptions): Promise<ChosenPatches> {
  const { selection = {}, signal, onEvent, scale = DEFAULTS.preview.scale } = options;
  const { rows: usualRows, cols: usualCols } = DEFAULTS.preview;
  const cols = options.cols ?? usualCols;
  requireWithin('cols', cols, LIMITS.sheet);
  requireWithin('rows', options.rows ?? usualRows, LIMITS.sheet);
  requireWithin('scale', scale, LIMITS.scale);
  const resolved = await resolveSelection(selection, input.splits);
  const { selections } = await select({ input, selection: resolved, signal, onEvent });
  const selected = selections.reduce((sum, { indices }) => sum + indices.length, 0);
  // A sample is shown whole, up to a limit.
  const usual = isSample(selection) ? Math.min(MAX_ROWS, Math.ceil(selected / cols)) : usualRows;
  const rows = options.rows ?? usual;
  requireSize(sheetSize({ rows, cols, scale }));
  const candidates: Candidates[] = [];
  for (const { split, indices } of selections) {
    const [labels, meta] = [await input.labels(split), await input.meta(split)];
    candidates.push({
      split,
      indices,
      labelOf: (index) => (labels ? (labels[index] as 0 | 1) : null),
      slideOf: (index) => (meta ? meta.row(index).wsi : null),
    });
  }
  const choices = choose(candidates, rows * cols, resolved);
  const patches = await readPixels(input, choices, signal);
  return { patches, cols: Math.min(cols, patches.length) };
}

function choose(
  candidates: readonly Candidates[],
  count: number,
  { options, file }: ResolvedSelection,
): Choice[] {
  if (file && !options.shuffle) return asListed(candidates, file.patches, count);
  if (isSample(options) || options.shuffle) return firstOf(candidates, count);
  return spreadOf(candidates, count, options.seed ?? 0);
}

/** Whether a selection names its patches or their number, and does not only filter. */
export function isSample({ perClass, perSlide, sample, indices }: SelectionOptions = {}): boolean {
  return [perClass, perSlide, sample, indices].some((value) => value !== undefined);
}

function requireSize({ width, height }: { width: number; height: number }): void {
  if (width * height <= MAX_PIXELS) return;
  throw new PcamError('USAGE', `a sheet of ${width} x ${height} px is too large`, {
    expected: `at most ${MAX_PIXELS} px`,
    found: `${width * height} px`,
    hint: 'choose fewer rows and columns, or a smaller scale',
  });
}

async function readPixels(
  { dir, manifest }: Input,
  choices: readonly Choice[],
  signal: AbortSignal | undefined,
): Promise<SheetPatch[]> {
  const pixels = new Map<Choice, Uint8Array>();
  for (const split of new Set(choices.map((choice) => choice.split))) {
    const images = await openImages(arrayOf({ dir, manifest, split, kind: 'images' }));
    try {
      // Ascending, so that disks read ahead and a compressed chunk is unpacked once.
      const own = choices.filter((choice) => choice.split === split).sort((a, b) => a.index - b.index);
      for (const choice of own) {
        throwIfAborted(signal);
        pixels.set(choice, images.read(choice.index, choice.index + 1));
      }
    } finally {
      images.close();
    }
  }
  return choices.map((choice) => ({ ...choice, pixels: pixels.get(choice)! }));
}
