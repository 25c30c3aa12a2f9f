/** Finds the patches of a sheet in the data set folder and reads their pixels. */
import { type OnEvent, PcamError, throwIfAborted } from '../../core/index.js';
import { arrayOf, locate, openImages, readLabels, readMeta } from '../../dataset/index.js';
import { type Manifest, SPLITS, type SplitName } from '../../manifest/index.js';
import { type PatchSelection, type SelectionOptions, selectPatches } from '../../selection/index.js';
import { type Candidates, type Choice, firstOf, spreadOf } from './choose.js';
import type { SheetPatch } from './sheet.js';

export interface PatchRequest {
  dir: string;
  manifest: Manifest;
  /** @default the splits whose images are in the folder */
  splits?: readonly SplitName[];
  selection?: SelectionOptions;
  signal?: AbortSignal;
  onEvent?: OnEvent;
}

/**
 * The selected patches.
 * @throws PcamError as `selectPatches` does
 */
export async function selectForSheet(request: PatchRequest): Promise<PatchSelection[]> {
  return selectPatches({ ...request, splits: splitsOf(request), selection: request.selection ?? {} });
}

/**
 * Those of the selected patches that a sheet of `count` shows. A selection that samples or orders is shown as it is;
 * from any other one, half positive and half negative patches are chosen, spread over slides and splits.
 */
export async function readSheetPatches(
  request: PatchRequest,
  { selections, count }: { selections: readonly PatchSelection[]; count: number },
): Promise<SheetPatch[]> {
  const { selection = {} } = request;
  const candidates: Candidates[] = [];
  for (const one of selections) candidates.push(await candidatesOf(request, one));
  const choices = isOrdered(selection)
    ? firstOf(candidates, count)
    : spreadOf(candidates, count, selection.seed ?? 0);
  return readPixels(request, choices);
}

/** Whether a selection says which patches it wants to see, not only which ones will do. */
function isOrdered({ perClass, perSlide, sample, indices, shuffle }: SelectionOptions): boolean {
  return shuffle === true || [perClass, perSlide, sample, indices].some((value) => value !== undefined);
}

/** The splits that are asked for; or those whose images are there. @throws PcamError MISSING */
export function splitsOf({ dir, manifest, splits = [] }: PatchRequest): readonly SplitName[] {
  const there = SPLITS.filter((split) => locate({ dir, manifest, split, kind: 'images' })?.present);
  if (splits.length > 0 || there.length > 0) return splits.length > 0 ? splits : there;
  throw new PcamError('MISSING', `there are no images in ${dir}`, {
    hint: 'fetch them first, or name the folder that they are in',
    options: ['dir'],
    next: { command: 'download' },
  });
}

async function candidatesOf(
  { dir, manifest, signal }: PatchRequest,
  { split, indices }: PatchSelection,
): Promise<Candidates> {
  throwIfAborted(signal);
  const images = await openImages(arrayOf({ dir, manifest, split, kind: 'images' }));
  const { count } = images;
  images.close();
  const [labelFile, metaFile] = (['labels', 'meta'] as const).map((kind) =>
    locate({ dir, manifest, split, kind }),
  );
  const labels = labelFile?.present
    ? await readLabels({ ...arrayOf({ dir, manifest, split, kind: 'labels' }), count })
    : null;
  const meta = metaFile?.present ? await readMeta({ file: metaFile.path, count, signal }) : null;
  return {
    split,
    indices,
    labelOf: (index) => (labels ? (labels[index] as 0 | 1) : null),
    slideOf: (index) => (meta ? meta.row(index).wsi : null),
  };
}

async function readPixels(
  { dir, manifest, signal }: PatchRequest,
  choices: readonly Choice[],
): Promise<SheetPatch[]> {
  const pixels = new Map<Choice, Uint8Array>();
  for (const split of new Set(choices.map((choice) => choice.split))) {
    const images = await openImages(arrayOf({ dir, manifest, split, kind: 'images' }));
    try {
      // In the order of the file, which disks and compressed chunks like best.
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
