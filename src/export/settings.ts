/** From options to what is to be done: a format, a recipe, and the shards of one job of several. */
import { DEFAULTS, defaultWorkers, LIMITS, PcamError, requireWithin } from '../core/index.js';
import {
  CROPS,
  type ExportFormat,
  findFormat,
  type Recipe,
  SHARD_INDEXES,
  type ShardTask,
} from './formats/index.js';
import type { FileRecord, Part } from './output/index.js';
import type { ResolvedOptions } from './types.js';

export interface Settings {
  readonly format: ExportFormat;
  readonly recipe: Recipe;
  readonly out: string;
  readonly workers: number;
  readonly part: Part | undefined;
}

/** @throws PcamError USAGE */
export function settle(options: ResolvedOptions): Settings {
  const { manifest, layout = 'shards', crop, index, part } = options;
  const format = findFormat(options.format, layout);
  const workers = options.workers ?? Math.min(defaultWorkers(), format.workers);
  requireWithin('workers', workers, LIMITS.workers);
  const shardSize = options.shardSize ?? format.shardSize;
  if (options.shardSize !== undefined) requireWithin('shardSize', options.shardSize, LIMITS.shardSize);
  if (crop !== undefined && !CROPS.includes(crop))
    throw usage(`there is no crop ${crop}`, `it is ${CROPS.join(' or ')}`, 'crop');
  if (index !== undefined && (!SHARD_INDEXES.includes(index) || !format.indexes.includes(index))) {
    throw usage(
      `there is no index ${index} for the format ${format.format} in ${layout}`,
      'dali goes with png in shards',
      'index',
    );
  }
  if (options.sha1 && !format.sha1) {
    throw usage(
      `there is no place for a SHA-1 in the format ${format.format}`,
      'it goes into the JSON and CSV of png and the columns of parquet',
    );
  }
  if (part) requirePart(part);
  const recipe: Recipe = {
    dataset: manifest.dataset,
    format: format.format,
    layout,
    revision: format.revision,
    shardSize: format.shardSize === null ? null : shardSize,
    crop: crop ?? null,
    index: index ?? null,
    ...(options.sha1 ? { sha1: true as const } : {}),
  };
  const out = options.out ?? defaultOut(recipe);
  if (out === '') throw usage('the output folder has an empty name', 'name a folder', 'out');
  return { format, recipe, out, workers, part };
}

/** `pcam-png`, `pcam-raw-folder`, `pcam-parquet-center32`: exports of different kinds do not meet. */
export function defaultOut({ format, layout, crop }: Pick<Recipe, 'format' | 'layout' | 'crop'>): string {
  return [DEFAULTS.dir, format, ...(layout === 'folder' ? [layout] : []), ...(crop ? [crop] : [])].join('-');
}

function requirePart({ index, of }: Part): void {
  const sound = Number.isSafeInteger(index) && Number.isSafeInteger(of) && index >= 1 && of >= index;
  if (!sound) throw usage(`there is no part ${index} of ${of}`, 'parts go from 1/N to N/N');
}

/** Every `of`-th shard, so that all parts have about as much to do. */
export function tasksOf(tasks: readonly ShardTask[], part: Part | undefined): ShardTask[] {
  return tasks.filter((_, i) => !part || i % part.of === part.index - 1);
}

/** The records of a task's files, when there is one for each. */
export function knownOf(task: ShardTask, records: ReadonlyMap<string, FileRecord>): FileRecord[] | undefined {
  const known = task.files.flatMap(({ file }) => records.get(file) ?? []);
  return known.length === task.files.length ? known : undefined;
}

function usage(message: string, hint: string, option?: string): PcamError {
  return new PcamError('USAGE', message, { hint, options: option === undefined ? undefined : [option] });
}
