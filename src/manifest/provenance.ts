/** Whose patches a manifest describes: PatchCamelyon's, or those that `fixture` draws. */
import { readManifest } from './parse.js';
import { finalMd5, type Manifest } from './types.js';

/** What the manifest of a fixture calls its data set; subsets of it append a word. */
export const FIXTURE_DATASET = 'pcam-fixture';

export type Provenance = 'pcam' | 'subset of pcam' | 'synthetic' | 'unknown';

/** Whether a data set of this name was drawn by pcam. */
export function isSynthetic(dataset: string): boolean {
  return dataset === FIXTURE_DATASET || dataset.startsWith(`${FIXTURE_DATASET}-`);
}

/** PatchCamelyon is what has the digests of the built-in manifest, whatever it is called; and a subset of that. */
export async function provenanceOf({ dataset, files, subsetOf }: Manifest): Promise<Provenance> {
  if (isSynthetic(dataset)) return 'synthetic';
  const known = new Set((await readManifest()).files.map(finalMd5));
  if (files.every((file) => known.has(finalMd5(file)))) return 'pcam';
  return subsetOf === 'pcam' ? 'subset of pcam' : 'unknown';
}
