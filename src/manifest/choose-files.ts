/** Which files of a manifest are meant: by split and by kind. */
import { PcamError } from '../core/index.js';
import { readManifest } from './parse.js';
import type { DatasetFile, Kind, Manifest, SplitName } from './types.js';

export interface Selection {
  splits?: readonly SplitName[];
  kinds?: readonly Kind[];
}

/**
 * In the manifest's order; an absent or empty list means all.
 * @throws PcamError USAGE when nothing is left: 'all of no files is right' must not pass for success
 */
export function selectFiles(manifest: Manifest, { splits = [], kinds = [] }: Selection): DatasetFile[] {
  const files = manifest.files.filter(
    (file) =>
      (splits.length === 0 || splits.includes(file.split)) &&
      (kinds.length === 0 || kinds.includes(file.kind)),
  );
  if (files.length > 0) return files;
  const said = [...splits, ...kinds].join(', ');
  throw new PcamError('USAGE', `the manifest ${manifest.dataset} has no file that is ${said}`, {
    hint: 'see the files that it has',
    next: { command: 'info' },
  });
}

/** A manifest that is given as a value, a path, or not at all. */
export async function resolveManifest(manifest: Manifest | string | undefined): Promise<Manifest> {
  return typeof manifest === 'object' ? manifest : readManifest(manifest);
}
