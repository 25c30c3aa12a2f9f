/** What scores are compared with: labels, slides, and which patches have the same pixels. */
import type { OnEvent } from '../core/index.js';
import { locate, type MetaTable } from '../dataset/index.js';
import type { Manifest, SplitName } from '../manifest/index.js';
import { DigestTable, type SplitScanRequest, scanSplit } from '../scan/index.js';
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

/** The SHA-1s of the patches of one split. */
export interface PixelDigests {
  /** The first patch with the same pixels, by patch. */
  readonly first: Uint32Array;
  /** The first patch with some pixels, by their SHA-1. */
  bySha1(): PatchesBySha1;
}

export interface TruthFolder {
  truth(split: SplitName): Promise<Truth>;
  /** From the scan that `stats` keeps; each split is scanned once. `null` where its images are not in the folder. */
  digests(split: SplitName): Promise<PixelDigests | null>;
  /** @throws PcamError NOT_VERIFIED when a file has been touched since the folder was opened */
  requireUnchanged(): Promise<void>;
}

/**
 * Opens splits, whose files have to be the data set's own. The images may be missing, and are verified when they are used.
 * @throws PcamError MISSING, NOT_VERIFIED, BAD_HDF5, BAD_CSV, BAD_DATA; ABORTED
 */
export async function openTruth(request: {
  dir: string;
  manifest: Manifest;
  splits: readonly SplitName[];
  signal?: AbortSignal;
  onEvent?: OnEvent;
}): Promise<TruthFolder> {
  const { splits: _, ...folder } = request;
  const input = await openInput({ ...request, required: ['labels'], imagesOptional: true });
  await input.verify(({ kind }) => kind !== 'images');
  const digests = new Map<SplitName, Promise<PixelDigests | null>>();
  const scan = async (split: SplitName) => {
    const found = await readDigests({ ...folder, split });
    await input.verify((file) => file.split === split && file.kind === 'images');
    return found;
  };
  return {
    async truth(split) {
      const [labels, meta] = [(await input.labels(split))!, await input.meta(split)];
      return { split, labels, slides: meta && slidesOf(meta) };
    },
    digests(split) {
      const found = digests.get(split) ?? scan(split);
      digests.set(split, found);
      return found;
    },
    requireUnchanged: () => input.requireUnchanged(),
  };
}

function slidesOf(meta: MetaTable): Slides {
  const names = [...meta.slides].sort();
  const places = new Map(names.map((name, place) => [name, place]));
  const of = Uint16Array.from({ length: meta.rows }, (_, patch) => places.get(meta.row(patch).wsi)!);
  return { names, of, count: names.length };
}

async function readDigests(request: SplitScanRequest): Promise<PixelDigests | null> {
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
