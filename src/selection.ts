/** Which files of a manifest are meant: by split and by kind. */
import { readManifest } from './manifest.js';
import type { DatasetFile, Kind, Manifest, SplitName } from './types.js';

export interface Selection {
  splits?: readonly SplitName[];
  kinds?: readonly Kind[];
}

/** In the manifest's order; an absent or empty list means all. */
export function selectFiles(manifest: Manifest, { splits = [], kinds = [] }: Selection): DatasetFile[] {
  return manifest.files.filter(
    (file) =>
      (splits.length === 0 || splits.includes(file.split)) &&
      (kinds.length === 0 || kinds.includes(file.kind)),
  );
}

/** A manifest that is given as a value, a path, or not at all. */
export async function resolveManifest(manifest: Manifest | string | undefined): Promise<Manifest> {
  return typeof manifest === 'object' ? manifest : readManifest(manifest);
}
