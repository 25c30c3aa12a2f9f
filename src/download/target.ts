/** What a run wants of a file, and how large it can become. */
import { elementsOf } from '../core/index.js';
import { type Content, contentsOf, type DatasetFile } from '../manifest/index.js';
import { type DigestName, strongest } from '../pass/index.js';

/** The form that is to lie in the data set folder when the run is over. */
export function wanted(file: DatasetFile, extract: boolean): Content {
  const { final, archive } = contentsOf(file);
  return extract ? final : (archive ?? final);
}

export function archiveOf(file: DatasetFile): Content | undefined {
  return contentsOf(file).archive;
}

/** What to digest: the strongest digest of an archive, and MD5 always of what stays, as `verify` and `export` go by it. */
export function digestsOf(content: Content): DigestName[] {
  const names = strongest(content);
  return content.form === 'archive' || names.includes('md5') ? names : ['md5', ...names];
}

const HDF5_OVERHEAD = 64 * 1024 * 1024;
/** deflate cannot do better than 1032 : 1, so an archive of known size bounds what can come out of it. */
const LARGEST_RATIO = 1032;

/**
 * Most bytes that a decompressed file may have before it is taken for a bomb: what the manifest says, else what the
 * array needs with room for HDF5's own structures.
 */
export function mostExtracted(file: DatasetFile): number {
  const { extracted, array, bytes } = file;
  if (extracted?.bytes !== undefined) return extracted.bytes;
  if (array) return elementsOf(array.shape) * 8 + HDF5_OVERHEAD;
  if (bytes !== undefined) return bytes * LARGEST_RATIO;
  return Number.MAX_SAFE_INTEGER;
}

/** Bytes that the file will take, once decompressed; a close guess where the manifest does not say. */
export function expectedExtracted(file: DatasetFile): number {
  const { extracted, array, bytes = 0 } = file;
  if (!extracted) return bytes;
  // One byte per element: images and labels of PCam are uint8.
  return extracted.bytes ?? (array ? elementsOf(array.shape) + 4096 : Math.ceil(bytes / 0.85));
}
