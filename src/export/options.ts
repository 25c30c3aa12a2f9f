/** Options of an export, and what they ask for: a format, a recipe, an output folder and one part of several. */
import { resolve } from 'node:path';
import { DEFAULTS, defaultWorkers, LIMITS, type OnEvent, PcamError, requireWithin } from '../core/index.js';
import { type Manifest, resolveManifest, type SplitName } from '../manifest/index.js';
import type { SelectionOptions } from '../selection/index.js';
import {
  CROPS,
  type Crop,
  type ExportFormat,
  type FormatName,
  findFormat,
  type LayoutName,
  type Recipe,
  SHARD_INDEXES,
  type ShardIndex,
} from './formats/index.js';
import type { Part } from './output/index.js';

export interface ExportOptions {
  /** The data set folder. @default 'pcam' */
  dir?: string;
  /** A manifest, or the path of one. @default the built-in one */
  manifest?: Manifest | string;
  format: FormatName;
  /** @default 'shards' */
  layout?: LayoutName;
  /** @default the splits whose images are in the folder */
  splits?: readonly SplitName[];
  /** The output folder. @default a name made of format, layout and crop, in the current folder */
  out?: string;
  /** Patches per shard. @default 2048, 20,480 for parquet and 16,384 for tfrecord */
  shardSize?: number;
  /** Write only every `of`-th shard, from the `index`-th on. @default all */
  part?: Part;
  /** Worker threads. @default the machine's cores, at most 8, and 4 for parquet */
  workers?: number;
  /** Export the centre 32 x 32 px, which decide the label. @default whole patches */
  crop?: Crop;
  /** Write an index beside each shard. @default none */
  index?: ShardIndex;
  /** Which patches, in which order. @default all of them, in the order of the files */
  selection?: SelectionOptions;
  /** Write the SHA-1 of each patch beside it, its id in Kaggle's version of the data. @default false */
  sha1?: boolean;
  /** Start over when the folder holds an export with other options or of other input. @default false */
  force?: boolean;
  signal?: AbortSignal;
  onEvent?: OnEvent;
}

export interface Settings {
  readonly dir: string;
  readonly manifest: Manifest;
  readonly format: ExportFormat;
  /** Without the selection, which is known once the input is read. */
  readonly recipe: Recipe;
  /** Absolute path of the output folder. */
  readonly out: string;
  /** The output folder as it was asked for. */
  readonly shownOut: string;
  readonly workers: number;
}

/** @throws PcamError USAGE, BAD_MANIFEST */
export async function resolveOptions(options: ExportOptions): Promise<Settings> {
  const { dir = DEFAULTS.dir, layout = 'shards', crop, index, sha1, shardSize, part } = options;
  const manifest = await resolveManifest(options.manifest, dir);
  const format = findFormat(options.format, layout);
  const workers = options.workers ?? Math.min(defaultWorkers(), format.workers);
  requireWithin('workers', workers, LIMITS.workers);
  if (shardSize !== undefined) requireWithin('shardSize', shardSize, LIMITS.shardSize);
  if (part) requirePart(part);
  requireFormatHas(format, options);
  const recipe: Recipe = {
    dataset: manifest.dataset,
    format: format.format,
    layout,
    revision: format.revision,
    shardSize: format.shardSize === null ? null : (shardSize ?? format.shardSize),
    crop: crop ?? null,
    index: index ?? null,
    ...(sha1 ? { sha1: true as const } : {}),
  };
  const out = options.out ?? defaultOut(recipe);
  if (out === '') throw usage('the output folder has an empty name', 'name a folder', 'out');
  return { dir, manifest, format, recipe, out: resolve(out), shownOut: out, workers };
}

/** `pcam-png`, `pcam-raw-folder`, `pcam-parquet-center32`: exports of different kinds do not meet. */
export function defaultOut({ format, layout, crop }: Pick<Recipe, 'format' | 'layout' | 'crop'>): string {
  return [DEFAULTS.dir, format, ...(layout === 'folder' ? [layout] : []), ...(crop ? [crop] : [])].join('-');
}

function requireFormatHas(format: ExportFormat, { crop, index, sha1 }: ExportOptions): void {
  if (crop !== undefined && !CROPS.includes(crop))
    throw usage(`there is no crop ${crop}`, `it is ${CROPS.join(' or ')}`, 'crop');
  if (index !== undefined && (!SHARD_INDEXES.includes(index) || !format.indexes.includes(index))) {
    throw usage(
      `there is no index ${index} for the format ${format.format} in ${format.layout}`,
      'dali goes with png in shards',
      'index',
    );
  }
  if (sha1 && !format.sha1) {
    throw usage(
      `there is no place for a SHA-1 in the format ${format.format}`,
      'it goes into the JSON and CSV of png and the columns of parquet',
    );
  }
}

function requirePart({ index, of }: Part): void {
  const sound = Number.isSafeInteger(index) && Number.isSafeInteger(of) && index >= 1 && of >= index;
  if (!sound) throw usage(`there is no part ${index} of ${of}`, 'parts go from 1/N to N/N');
}

function usage(message: string, hint: string, option?: string): PcamError {
  return new PcamError('USAGE', message, { hint, options: option === undefined ? undefined : [option] });
}
