/** The content of a report before it is rendered: figures, pictures and names, no HTML. */
import type { Manifest, Provenance, SplitName } from '../../manifest/index.js';
import type { StatsResult } from '../stats/index.js';

/** A PNG file, and how large it is shown in px. */
export interface Picture {
  readonly png: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** One patch with its picture. */
export interface ShownPatch {
  readonly split: SplitName;
  readonly index: number;
  readonly label: 0 | 1 | null;
  /** `null` without the meta CSV. */
  readonly wsi: string | null;
  readonly picture: Picture;
}

/** A content that occurs more than once; the patch is its first occurrence. */
export interface Repeat extends ShownPatch {
  /** How often it occurs in each split. */
  readonly copies: readonly { readonly split: SplitName; readonly count: number }[];
  /** Whether its copies carry both labels. */
  readonly conflicting: boolean;
}

/** `wrong`: it holds other bytes than the manifest's; `unchecked`: not read, as its split has no images. */
export type FileStatus = 'ok' | 'missing' | 'unchecked' | 'wrong';

/** A file of the data set, as it was found. */
export interface ReportFile {
  readonly name: string;
  readonly status: FileStatus;
  readonly bytes: number | null;
  /** MD5 that the manifest gives for what is in the folder. */
  readonly md5: string;
  /** SHA-256 that the manifest gives for the archive. */
  readonly sha256: string | null;
}

export type Centre = 'Radboud UMC' | 'UMC Utrecht';

/** A slide of one split. */
export interface SlideFacts {
  readonly wsi: string;
  readonly patches: number;
  readonly positive: number | null;
  readonly centre: Centre | null;
  /** Its annotation is known to be incomplete, or was flagged otherwise. */
  readonly questionable: boolean;
  /** Where its patches are: at their coordinates, coloured by label. */
  readonly map: Picture;
}

export interface SplitSlides {
  readonly split: SplitName;
  /** Most patches first; `null` without the meta CSV. */
  readonly slides: readonly SlideFacts[] | null;
}

export interface ReportModel {
  readonly manifest: Manifest;
  readonly provenance: Provenance;
  readonly files: readonly ReportFile[];
  readonly stats: StatsResult;
  readonly sheet: readonly ShownPatch[];
  /** Of the contents that occur more than once, those with the most copies; most first. */
  readonly repeats: readonly Repeat[];
  /** How many contents occur more than once, within and across splits. */
  readonly repeatedContents: number;
  readonly slides: readonly SplitSlides[];
  /** Width on the slide, in px of level 0, of one px of the maps. */
  readonly mapScale: number | null;
  /** Mean of all patches of a class; `null` without labels, or where a class has none. */
  readonly meanPatches: { readonly positive: Picture | null; readonly negative: Picture | null };
}
