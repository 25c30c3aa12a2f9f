/** Which files of a manifest are meant, by split and by kind, and a key for them. */
import { PcamError } from '../core/index.js';
import { resolveManifest } from './resolve.js';
import { type DatasetFile, finalMd5, finalName, type Kind, type Manifest, type SplitName } from './types.js';

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

export interface CacheKeyOptions extends Selection {
  /** @default the built-in one */
  manifest?: Manifest | string;
}

/**
 * A key for a CI cache: names and digests of the files that the selection leaves in the folder, whatever the order,
 * the sources, or the way to say it (`--split train,valid,test` is the same as no `--split`).
 * @returns at most 512 characters and without commas, as GitHub's cache action asks
 */
export async function cacheKey(options: CacheKeyOptions = {}): Promise<string> {
  const files = selectFiles(await resolveManifest(options.manifest), options);
  const lines = files.map((file) => `${finalMd5(file)}  ${finalName(file)}\n`).sort();
  const { createHash } = await import('node:crypto');
  const hash = createHash('sha256').update(lines.join('')).digest('hex');
  return `pcam-v1-${hash.slice(0, 40)}`;
}
