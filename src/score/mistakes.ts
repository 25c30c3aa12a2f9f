/** The patches that a model gets wrong, most confident first: as a file of indices, and as pictures. */
import { arrayOf, openImages } from '../dataset/index.js';
import type { ShownPatch } from '../explore/report/model.js';
import { pictureOf } from '../explore/report/pictures.js';
import { writeOutput } from '../fs/index.js';
import type { Manifest, SplitName } from '../manifest/index.js';
import type { Model } from './model.js';
import type { Truth } from './truth.js';

export interface WrongPatch {
  readonly index: number;
  readonly label: 0 | 1;
  /** The probability of tumor, or the bare score. */
  readonly value: number;
}

/**
 * The wrong patches at the last threshold. The most confident ones have the highest probability of the wrong class; with
 * bare scores, they are the furthest from the threshold.
 * @returns null where there is no threshold
 */
export function wrongPatches(
  { values, scores, thresholds, kind }: Model,
  labels: Uint8Array,
): WrongPatch[] | null {
  const last = thresholds.at(-1);
  if (!last) return null;
  const { threshold } = last;
  // Logits tell apart what their probabilities round to 1.
  const middle = kind === 'logit' ? 0 : kind === 'score' ? threshold : 0.5;
  const wrong: (WrongPatch & { confidence: number })[] = [];
  for (const [index, value] of values.entries()) {
    const label = labels[index] as 0 | 1;
    if (value >= threshold === (label === 1)) continue;
    const confidence = (label === 1 ? -1 : 1) * (scores[index]! - middle);
    wrong.push({ index, label, value, confidence });
  }
  return wrong.sort((a, b) => b.confidence - a.confidence || a.index - b.index);
}

/** Lines of `split,index`. */
export async function writeErrors({
  path,
  target,
  split,
  wrong,
}: {
  path: string;
  target: string;
  split: SplitName;
  wrong: readonly WrongPatch[];
}): Promise<void> {
  const lines = wrong.map(({ index }) => `${split},${index}\n`);
  await writeOutput({ path, target }, Buffer.from(lines.join('')));
}

/** Mistakes of each kind that are shown. */
const MAX_SHOWN = 24;

export interface ShownMistake extends ShownPatch {
  /** The probability of tumor, or the bare score. */
  readonly value: number;
}

/** The most confident ones of each kind, each of different pixels. */
export interface ShownMistakes {
  readonly called: readonly ShownMistake[];
  readonly missed: readonly ShownMistake[];
}

/** @param first of identical patches, by patch */
export async function showMistakes({
  dir,
  manifest,
  truth: { split, slides },
  wrong,
  first,
}: {
  dir: string;
  manifest: Manifest;
  truth: Truth;
  wrong: readonly WrongPatch[];
  first: Uint32Array;
}): Promise<ShownMistakes> {
  const images = await openImages(arrayOf({ dir, manifest, split, kind: 'images' }));
  const shown = (label: 0 | 1) =>
    wrong
      .filter((patch) => patch.label === label && first[patch.index] === patch.index)
      .slice(0, MAX_SHOWN)
      .map(({ index, value }) => ({
        ...{ split, index, label, value },
        wsi: slides && slides.names[slides.of[index]!]!,
        picture: pictureOf(images.read(index, index + 1)),
      }));
  try {
    return { called: shown(0), missed: shown(1) };
  } finally {
    images.close();
  }
}
