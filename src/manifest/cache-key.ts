/** `cache-key`: one line that changes when, and only when, the bytes in the data set folder would. */
import { resolveManifest, type Selection, selectFiles } from './choose-files.js';
import { finalMd5, finalName, type Manifest } from './types.js';

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
