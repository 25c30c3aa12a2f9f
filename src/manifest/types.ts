/** The files of a data set, their sources, and the forms that each file has on the disk. */
export const SPLITS = ['train', 'valid', 'test'] as const;
export type SplitName = (typeof SPLITS)[number];

/** The split that a word means: `val` and `validation` mean valid. */
export function parseSplit(word: string): SplitName | undefined {
  const name = word.trim().toLowerCase();
  return name === 'val' || name === 'validation' ? 'valid' : SPLITS.find((split) => split === name);
}

export const KINDS = ['images', 'labels', 'meta'] as const;
export type Kind = (typeof KINDS)[number];

/** One file of the manifest: what is served, and what it becomes on the disk. */
export interface DatasetFile {
  /** The name that is served, such as `camelyonpatch_level_2_split_train_x.h5.gz`. */
  readonly name: string;
  readonly split: SplitName;
  readonly kind: Kind;
  /** Size of what is served, where it is published. */
  readonly bytes?: number;
  /** Lower-case hex digests of what is served. */
  readonly md5: string;
  readonly sha256?: string;
  readonly gdriveId?: string;
  /** Present when `name` is a gzip archive: what it decompresses to. */
  readonly extracted?: { readonly name: string; readonly md5: string; readonly bytes?: number };
  /** Set on the decompressed form, where a source serves it in place of the archive; see `unpackedOf`. */
  readonly unpacked?: true;
  /** The HDF5 data set inside, where there is one. */
  readonly array?: { readonly path: string; readonly shape: readonly number[] };
}

/** A source as the manifest gives it; the registry in sources/ knows what each type needs. */
export interface SourceConfig {
  readonly id: string;
  readonly type: string;
  /** An http(s) URL, or for type `file` a folder, already absolute. */
  readonly baseUrl: string;
  readonly record?: string;
}

/** Where a manifest is from. */
export interface ManifestOrigin {
  /** `named` by the caller, the `folder`'s own, the copy that a download `kept`, or `built-in`. */
  readonly kind: 'named' | 'folder' | 'kept' | 'built-in';
  /** Absolute; absent for a manifest that was given as a value. */
  readonly path?: string;
  readonly builtIn: boolean;
  /** A `manifest.json` in the folder that is not a manifest of pcam. */
  readonly ignored?: string;
}

export interface Manifest {
  readonly dataset: string;
  readonly homepage?: string;
  readonly license?: string;
  readonly citation: readonly string[];
  /** What it is a subset of, where that is PatchCamelyon. */
  readonly subsetOf?: 'pcam';
  /** In the order of preference. */
  readonly sources: readonly SourceConfig[];
  readonly files: readonly DatasetFile[];
  readonly origin?: ManifestOrigin;
}

/** Name of what pcam leaves in the data set folder: the decompressed file, or the file itself. */
export function finalName(file: DatasetFile): string {
  return file.extracted?.name ?? file.name;
}

/** MD5 of what pcam leaves in the data set folder. */
export function finalMd5(file: DatasetFile): string {
  return file.extracted?.md5 ?? file.md5;
}

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

/** A file that is served uncompressed is its own final form, and has no archive. */
export function contentsOf(file: DatasetFile): { final: Content; archive?: Content } {
  const { name, md5, sha256, bytes, extracted } = file;
  const served = { file, name, md5, sha256, bytes };
  if (!extracted) return { final: { ...served, form: 'final' } };
  return {
    final: { file, form: 'final', name: extracted.name, md5: extracted.md5, bytes: extracted.bytes },
    archive: { ...served, form: 'archive' },
  };
}

/** The decompressed form as a file of its own: a mirror may serve it in place of the archive. */
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

/** Whether parsed JSON is an object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A number of bytes or of items: a safe integer that is not negative. */
export function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
