/** What is in the folder of a subset already: an earlier subset, which is replaced, or something that is not ours. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PcamError } from '../core/index.js';
import { KINDS, type Manifest, readManifest, SPLITS } from '../manifest/index.js';
import { servedName, upstreamName } from '../upstream/index.js';

export const MANIFEST_NAME = 'manifest.json';
const SUFFIX = '-subset';

/** What the manifest of a subset calls its data set. */
export function subsetName(dataset: string): string {
  return dataset.endsWith(SUFFIX) ? dataset : `${dataset}${SUFFIX}`;
}

/** All names that a subset can have. */
export function subsetNames(): string[] {
  return SPLITS.flatMap((split) =>
    KINDS.flatMap((kind) => {
      const name = upstreamName(split, kind);
      return kind === 'meta' ? [name] : [name, servedName({ name, gzip: true })];
    }),
  );
}

/**
 * Real data sets have the very names of a subset's, so names are only taken from an earlier subset.
 * @throws PcamError USAGE
 */
export async function requireSubset(out: string): Promise<void> {
  const taken = [MANIFEST_NAME, ...subsetNames()].find((name) => existsSync(join(out, name)));
  if (taken === undefined || (await isSubset(out))) return;
  throw new PcamError(
    'USAGE',
    `${join(out, taken)} is there already, and not from a subset; nothing was written`,
    {
      hint: 'choose a new folder for the subset',
      options: ['out'],
    },
  );
}

async function isSubset(out: string): Promise<boolean> {
  try {
    const { dataset, sources }: Manifest = await readManifest(join(out, MANIFEST_NAME));
    return dataset.endsWith(SUFFIX) && sources.some(({ type }) => type === 'file');
  } catch {
    return false;
  }
}
