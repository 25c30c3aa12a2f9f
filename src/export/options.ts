/** Options of an export, and what they ask for: a format, a recipe and an output folder. */
import { createHash } from 'node:crypto';
import { basename, dirname, resolve } from 'node:path';
import { DEFAULTS, defaultWorkers, LIMITS, type OnEvent, PcamError, requireWithin } from '../core/index.js';
import { type Manifest, resolveManifest, type SplitName } from '../manifest/index.js';
import { isSelective, type SelectionOptions, type SelectionRecord } from '../selection/index.js';
import {
  type ALIASES,
  CROPS,
  type Crop,
  type ExportFormat,
  type FormatName,
  findFormat,
  type LayoutName,
  ORDERS,
  type Order,
  type Recipe,
  SHARD_INDEXES,
  type ShardIndex,
  tfdsConfig,
} from './formats/index.js';
import type { Part } from './output/index.js';

export interface ExportOptions {
  /** The data set folder. @default 'pcam' */
  dir?: string;
  /** A manifest, or the path of one. @default the built-in one */
  manifest?: Manifest | string;
  /** A format, or another name for one in its layout: `webdataset`, `imagefolder`, `npy`, `tfds`. */
  format: FormatName | keyof typeof ALIASES;
  /** @default 'shards', or that of the other name */
  layout?: LayoutName;
  /** @default the splits whose images are in the folder */
  splits?: readonly SplitName[];
  /** The output folder. @default a name made of the options, in the current folder */
  out?: string;
  /** Patches per shard. @default 2048, or the format's own number */
  shardSize?: number;
  /** Write only every `of`-th shard, from the `index`-th on. @default all */
  part?: Part;
  /** Worker threads. @default the machine's cores, at most 8, and 4 for parquet */
  workers?: number;
  /** Export the centre 32 x 32 px, which decide the label. @default whole patches */
  crop?: Crop;
  /** Write an index beside each shard. @default none */
  index?: ShardIndex;
  /** Of tfrecord: TFDS's own order, or that of the files. @default 'tfds', and none with `shuffle` */
  order?: Order;
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
  /** Without the selection, which is not known before the file of indices is read. */
  readonly recipe: Recipe;
  readonly workers: number;
}

/** @throws PcamError USAGE, BAD_MANIFEST */
export async function resolveOptions(options: ExportOptions): Promise<Settings> {
  const { dir = DEFAULTS.dir, crop, index, sha1, shardSize, part, selection = {} } = options;
  const manifest = await resolveManifest(options.manifest, dir);
  const format = findFormat(options.format, options.layout);
  const workers = options.workers ?? Math.min(defaultWorkers(), format.workers);
  requireWithin('workers', workers, LIMITS.workers);
  if (shardSize !== undefined) requireWithin('shardSize', shardSize, LIMITS.shardSize);
  if (part) requirePart(part);
  requireFits(format, options);
  const inTfdsOrder = format.ordered && options.order !== 'file' && !selection.shuffle;
  const recipe: Recipe = {
    dataset: manifest.dataset,
    format: format.format,
    layout: format.layout,
    revision: format.revision,
    shardSize: format.shardSize === null ? null : (shardSize ?? format.shardSize),
    crop: crop ?? null,
    index: index ?? null,
    ...(sha1 ? { sha1: true as const } : {}),
    ...(inTfdsOrder ? { order: 'tfds' as const } : {}),
  };
  return { dir, manifest, format, recipe, workers };
}

/**
 * The output folder that was asked for, or the default one.
 * @param recipe with the selection
 * @throws PcamError USAGE
 */
export function resolveOut(out: string | undefined, recipe: Recipe): string {
  if (out === '') throw usage('the output folder has an empty name', 'name a folder', 'out');
  const shown = out ?? defaultOut(recipe);
  const path = resolve(shown);
  const config = recipe.format === 'tfrecord' ? tfdsConfig(recipe) : '';
  const isTfdsOwn = basename(path) === '2.0.0' && basename(dirname(path)) === 'patch_camelyon';
  if (config !== '' && isTfdsOwn) {
    throw usage(
      `${path} is where TFDS looks for its own patch_camelyon, and this export is another one (${config})`,
      `write it to patch_camelyon/${config}/2.0.0, or to any other folder`,
      'out',
    );
  }
  return shown;
}

/**
 * A name that no other export has by default, but one of other splits: `pcam-png`, `pcam-raw-folder`,
 * `pcam-parquet-center32`, `pcam-png-label1-1000-per-class-seed7`.
 */
export function defaultOut(recipe: Recipe): string {
  const { format, layout, crop, index, sha1, order, shardSize, selection } = recipe;
  const { ordered, shardSize: usualSize } = findFormat(format, layout);
  const words = [
    layout === 'folder' && layout,
    crop,
    ordered && order === undefined && !selection?.shuffle && 'order-file',
    shardSize !== usualSize && `${shardSize}-per-shard`,
    index,
    sha1 && 'sha1',
    ...(selection ? selectionWords(selection) : []),
  ];
  return [DEFAULTS.dir, format, ...words.filter(Boolean)].join('-');
}

function selectionWords(selection: SelectionRecord): (string | false | undefined)[] {
  const { unique, label, slides, indices, perSlide, perClass, sample, shuffle, seed } = selection;
  const digest = (value: unknown) =>
    createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 8);
  return [
    unique && 'unique',
    label !== undefined && `label${label}`,
    slides && `slides-${digest(slides)}`,
    indices && `indices-${indices.sha256.slice(0, 8)}`,
    perSlide !== undefined && `${perSlide}-per-slide`,
    perClass !== undefined && `${perClass}-per-class`,
    sample !== undefined && `sample-${sample}`,
    shuffle && 'shuffled',
    seed !== undefined && seed !== 0 && `seed${seed}`,
  ];
}

/** What not every format has. */
function requireFits(format: ExportFormat, options: ExportOptions): void {
  const { crop, index, sha1, order, splits, selection = {} } = options;
  if (crop !== undefined && !CROPS.includes(crop))
    throw usage(`there is no crop ${crop}`, `it is ${CROPS.join(' or ')}`, 'crop');
  if (index !== undefined && (!SHARD_INDEXES.includes(index) || !format.indexes?.includes(index))) {
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
  if (order !== undefined && !ORDERS.includes(order))
    throw usage(`there is no order ${order}`, `it is ${ORDERS.join(' or ')}`, 'order');
  if (order !== undefined && !format.ordered)
    throw usage(`the format ${format.format} has no choice of order`, 'it goes with tfrecord', 'order');
  if (order !== undefined && selection.shuffle)
    throw usage(`the order cannot be ${order} and random`, 'shuffle, or choose the order', 'order');
  if (format.fixed && (splits?.length || isSelective(selection))) {
    throw usage(
      `${format.format} is a fixed set of patches of all splits`,
      'choose neither splits nor patches, or another format',
      'format',
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
