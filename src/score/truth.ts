/** What scores are compared with: labels, slides, and which patches have the same pixels. */
import { type OnEvent, throwIfAborted } from '../core/index.js';
import { locate, type MetaTable } from '../dataset/index.js';
import type { Manifest, SplitName } from '../manifest/index.js';
import { DigestTable, scanSplit } from '../scan/index.js';
import { openInput } from '../verified/index.js';
import type { PatchesBySha1 } from './input/align.js';
import { sha1Key } from './input/rows.js';

export interface Slides {
  /** Sorted. */
  readonly names: readonly string[];
  /** The slide of each patch, by its place in `names`. */
  readonly of: Uint16Array;
  readonly count: number;
}

export interface Truth {
  readonly split: SplitName;
  /** Shape (N), values 0 or 1. */
  readonly labels: Uint8Array;
  /** `null` without the meta CSV. */
  readonly slides: Slides | null;
}

export interface TruthRequest {
  dir: string;
  manifest: Manifest;
  signal?: AbortSignal;
  onEvent?: OnEvent;
}

/**
 * Labels and slides of splits, which have to be the data set's own. The images may be missing.
 * @returns the labels and slides of each split, in the order of `splits`, and a check that nothing has touched them since
 * @throws PcamError MISSING, NOT_VERIFIED, BAD_HDF5, BAD_CSV, BAD_DATA; ABORTED
 */
export async function readTruth({
  splits,
  ...request
}: TruthRequest & { splits: readonly SplitName[] }): Promise<{
  truths: Truth[];
  requireUnchanged(): Promise<void>;
}> {
  const input = await openInput({ ...request, splits, required: ['labels'], imagesOptional: true });
  await input.verify();
  const truths: Truth[] = [];
  for (const split of splits) {
    throwIfAborted(request.signal);
    const [labels, meta] = [(await input.labels(split))!, await input.meta(split)];
    truths.push({ split, labels, slides: meta && slidesOf(meta) });
  }
  return { truths, requireUnchanged: () => input.requireUnchanged() };
}

function slidesOf(meta: MetaTable): Slides {
  const names = [...meta.slides].sort();
  const places = new Map(names.map((name, place) => [name, place]));
  const of = Uint16Array.from({ length: meta.rows }, (_, patch) => places.get(meta.row(patch).wsi)!);
  return { names, of, count: names.length };
}

/** The SHA-1s of the patches of one split. */
export interface PixelDigests {
  /** The first patch with the same pixels, by patch. */
  readonly first: Uint32Array;
  /** The first patch with some pixels, by their SHA-1. */
  bySha1(): PatchesBySha1;
}

/** Digests of splits, from the scan that `stats` keeps; each split is asked for once. */
export class Digests {
  readonly #request: TruthRequest;
  readonly #splits = new Map<SplitName, Promise<PixelDigests | null>>();

  constructor(request: TruthRequest) {
    this.#request = request;
  }

  /** @returns null where the images are not in the folder */
  of(split: SplitName): Promise<PixelDigests | null> {
    const digests = this.#splits.get(split) ?? readDigests({ ...this.#request, split });
    this.#splits.set(split, digests);
    return digests;
  }
}

async function readDigests(request: TruthRequest & { split: SplitName }): Promise<PixelDigests | null> {
  if (!locate({ ...request, kind: 'images' })?.present) return null;
  const { count, sha1 } = await scanSplit(request);
  const table = new DigestTable({ count, sha1 });
  const first = Uint32Array.from({ length: count }, (_, patch) => table.enter(patch));
  return {
    first,
    bySha1() {
      const patches = new Map<string, number>();
      for (const [patch, original] of first.entries()) {
        if (patch === original) patches.set(sha1Key(sha1, patch), patch);
      }
      return patches;
    },
  };
}
