/** The values that flow between the stages. */
export const SPLITS = ['train', 'valid', 'test'] as const;
export type SplitName = (typeof SPLITS)[number];

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
  /** True for what comes out of an archive, where a source has it in the archive's place; see `unpackedOf`. */
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

export interface Manifest {
  readonly dataset: string;
  readonly homepage?: string;
  readonly license?: string;
  readonly citation: readonly string[];
  /** In the order of preference. */
  readonly sources: readonly SourceConfig[];
  readonly files: readonly DatasetFile[];
}

/** Name of what pcam leaves in the data set folder: the decompressed file, or the file itself. */
export function finalName(file: DatasetFile): string {
  return file.extracted?.name ?? file.name;
}

/** MD5 of what pcam leaves in the data set folder. */
export function finalMd5(file: DatasetFile): string {
  return file.extracted?.md5 ?? file.md5;
}
