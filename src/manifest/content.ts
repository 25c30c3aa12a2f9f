/** The forms that a file of the manifest has on the disk, and what each of them must hold. */
import type { DatasetFile, Manifest } from './types.js';

/** One form of one file: the archive, or what is left in the data set folder. */
export interface Content {
  readonly file: DatasetFile;
  readonly form: 'archive' | 'final';
  /** The name that it has in the data set folder. */
  readonly name: string;
  readonly md5: string;
  readonly sha256?: string;
  readonly bytes?: number;
}

/** `archive` only where there is one: a file that is served uncompressed is its own final form. */
export function contentsOf(file: DatasetFile): { final: Content; archive?: Content } {
  const { name, md5, sha256, bytes, extracted } = file;
  const served = { file, name, md5, sha256, bytes };
  if (!extracted) return { final: { ...served, form: 'final' } };
  return {
    final: { file, form: 'final', name: extracted.name, md5: extracted.md5, bytes: extracted.bytes },
    archive: { ...served, form: 'archive' },
  };
}

/** The decompressed form as a file of its own: a mirror may have it in place of the archive. */
export function unpackedOf({ split, kind, extracted, array }: DatasetFile): DatasetFile | undefined {
  return extracted && { ...extracted, split, kind, array, unpacked: true };
}

/** All forms of some files, those of each file together. */
export function contentsOfAll(files: readonly DatasetFile[]): Content[] {
  return files.flatMap((file) => Object.values(contentsOf(file)));
}

export function allContents(manifest: Manifest): Content[] {
  return contentsOfAll(manifest.files);
}
