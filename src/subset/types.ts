/** Options and result of a subset. */
import type { OnEvent } from '../core/index.js';
import type { Manifest, SplitName } from '../manifest/index.js';
import type { SelectionOptions } from '../selection/index.js';
import type { InputDigests } from '../verified/index.js';

export interface SubsetOptions {
  /** The data set folder. @default 'pcam' */
  dir?: string;
  /** A manifest, or the path of one. @default the built-in one */
  manifest?: Manifest | string;
  /** The folder of the subset; made when it is not there. */
  out: string;
  /** @default the splits of the manifest */
  splits?: readonly SplitName[];
  /** @default all patches */
  selection?: SelectionOptions;
  /** Also write the archives, so that the folder can be served as a mirror. @default false */
  archives?: boolean;
  signal?: AbortSignal;
  onEvent?: OnEvent;
  /** How input is verified. @default every file is read */
  inputDigests?: InputDigests;
}

export interface SubsetFile {
  readonly name: string;
  /** Patches that it is about. */
  readonly patches: number;
  readonly bytes: number;
  readonly md5: string;
}

export interface SubsetResult {
  ok: true;
  out: string;
  /** Without the manifest. */
  files: SubsetFile[];
}
