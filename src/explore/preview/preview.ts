/** `preview`: writes a contact sheet of some patches. */
import { DEFAULTS, LIMITS, type OnEvent, PcamError, requireWithin } from '../../core/index.js';
import { writeOutput } from '../../fs/index.js';
import { type Manifest, resolveManifest, type SplitName } from '../../manifest/index.js';
import type { SelectionOptions } from '../../selection/index.js';
import { requireOutputFile, watchSplits } from '../../verified/index.js';
import { readSheetPatches, selectForSheet, splitsOf } from './patches.js';
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

const MOST_ROWS = 32;
/** A picture of 10,000 x 10,000 px is as large as most viewers open. */
const MOST_PIXELS = 100_000_000;

/**
 * Writes a contact sheet as PNG: the same bytes for the same data, options and seed, on every machine.
 * @param options.out the file, in a folder that exists; it appears whole or not at all
 * @throws PcamError USAGE; EMPTY_SELECTION; MISSING, BAD_HDF5, BAD_CSV, BAD_DATA; NOT_A_FOLDER, DISK_FULL,
 *   NO_PERMISSION, IO; ABORTED
 */
export async function preview(options: PreviewOptions & { out: string }): Promise<PreviewResult> {
  const { out, dir = DEFAULTS.dir, scale = DEFAULTS.preview.scale } = options;
  const manifest = await resolveManifest(options.manifest);
  const target = await requireOutputFile({ path: out, dir, manifest, given: options.manifest });
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
  const { dir = DEFAULTS.dir, splits, selection, signal, onEvent, scale = DEFAULTS.preview.scale } = options;
  const manifest = await resolveManifest(options.manifest);
  const request = { dir, manifest, splits, selection, signal, onEvent };
  const cols = options.cols ?? DEFAULTS.preview.cols;
  requireWithin('cols', cols, LIMITS.sheet);
  requireWithin('rows', options.rows ?? DEFAULTS.preview.rows, LIMITS.sheet);
  requireWithin('scale', scale, LIMITS.scale);
  const unchanged = await watchSplits({ dir, manifest, splits: splitsOf(request) });
  const selections = await selectForSheet(request);
  const selected = selections.reduce((sum, { indices }) => sum + indices.length, 0);
  const rows = options.rows ?? rowsOf(selection, selected, cols);
  const { width, height } = sheetSize({ rows, cols, scale });
  if (width * height > MOST_PIXELS) {
    throw new PcamError('USAGE', `a sheet of ${width} x ${height} px is too large`, {
      expected: `at most ${MOST_PIXELS} px`,
      found: `${width * height} px`,
      hint: 'choose fewer rows and columns, or a smaller scale',
    });
  }
  const patches = await readSheetPatches(request, { selections, count: rows * cols });
  await unchanged();
  return { patches, cols: Math.min(cols, patches.length) };
}

/** A sample is shown whole, as far as that is reasonable. */
function rowsOf(selection: SelectionOptions = {}, selected: number, cols: number): number {
  const { perClass, perSlide, sample, indices } = selection;
  const isSample = [perClass, perSlide, sample, indices].some((value) => value !== undefined);
  return isSample ? Math.min(MOST_ROWS, Math.ceil(selected / cols)) : DEFAULTS.preview.rows;
}
