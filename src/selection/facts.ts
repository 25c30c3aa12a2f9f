/** What a selection has to know of a split: how many patches, and their labels and slides where they decide. */
import { PcamError, throwIfAborted } from '../core/index.js';
import { arrayOf, countPatches, locate, type MetaTable, readLabels, readMeta } from '../dataset/index.js';
import type { Manifest, SplitName } from '../manifest/index.js';

export interface Needs {
  readonly labels: boolean;
  readonly meta: boolean;
}

export interface Facts {
  /** Number of patches. */
  readonly count: number;
  readonly labels: Uint8Array | null;
  readonly meta: MetaTable | null;
}

export interface FactsRequest {
  dir: string;
  manifest: Manifest;
  split: SplitName;
  needs: Needs;
  signal?: AbortSignal;
}

/** @throws PcamError MISSING when a file that decides is not there; BAD_HDF5, BAD_CSV, BAD_DATA */
export async function readFacts({ dir, manifest, split, needs, signal }: FactsRequest): Promise<Facts> {
  const count = await countPatches({ dir, manifest, split });
  throwIfAborted(signal);
  const labels = needs.labels
    ? await readLabels({ ...arrayOf({ dir, manifest, split, kind: 'labels' }), count })
    : null;
  const meta = needs.meta
    ? await readMeta({ file: metaPath({ dir, manifest, split }), count, signal })
    : null;
  return { count, labels, meta };
}

function metaPath({ dir, manifest, split }: Pick<FactsRequest, 'dir' | 'manifest' | 'split'>): string {
  const file = locate({ dir, manifest, split, kind: 'meta' });
  if (file?.present) return file.path;
  const found = file ? `there is no ${file.path}` : 'the manifest has none';
  throw new PcamError('MISSING', `the slides of ${split} are in its meta CSV, and ${found}`, {
    hint: 'fetch it, or select without slides',
    next: { command: 'download', splits: [split], kinds: ['meta'] },
  });
}
