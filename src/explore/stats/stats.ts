/** Exact statistics of the data set: one reading of the images, and none when they have been read before. */
import { DEFAULTS, type OnEvent, throwIfAborted } from '../../core/index.js';
import {
  type Manifest,
  type Provenance,
  provenanceOf,
  resolveManifest,
  type SplitName,
} from '../../manifest/index.js';
import { sumUpScans } from '../../scan/index.js';
import { type Input, openInput } from '../../verified/index.js';
import { findingsOf } from './findings.js';
import { together } from './shared.js';
import { measureSplit, type SplitDetails } from './split-stats.js';
import { prepareTable } from './table.js';
import type { StatsFinding, StatsResult } from './types.js';

export interface StatsOptions {
  /** The data set folder. @default 'pcam' */
  dir?: string;
  /** A manifest, or the path of one. @default the built-in one */
  manifest?: Manifest | string;
  /** @default the splits whose images are in the folder */
  splits?: readonly SplitName[];
  /** Also write a table with one row per patch to this path, which ends in `.csv` or `.parquet`. */
  table?: string;
  /** Threads that read images. @default the machine's cores */
  workers?: number;
  signal?: AbortSignal;
  onEvent?: OnEvent;
}

/** The figures, and the data behind them: digests, labels and meta rows of every patch. */
export interface CollectedStats {
  readonly result: StatsResult;
  readonly splits: readonly SplitDetails[];
  readonly provenance: Provenance;
}

/**
 * Means, standard deviations, histograms, classes, slides, duplicates, and what splits have in common. Some 60 bytes
 * per patch are held. The images are read once and what was found is kept in the data set folder; their digest is
 * checked, and other data than the manifest's is a finding.
 * @throws PcamError USAGE; MISSING, BAD_HDF5, BAD_CSV, BAD_DATA, NOT_VERIFIED; DISK_FULL, NO_PERMISSION, IO; ABORTED
 */
export async function stats(options: StatsOptions = {}): Promise<StatsResult> {
  return (await collectStats(options)).result;
}

/** The same, with the data behind the figures. */
export async function collectStats(options: StatsOptions = {}): Promise<CollectedStats> {
  const { dir = DEFAULTS.dir, table: path, workers, signal, onEvent } = options;
  const manifest = await resolveManifest(options.manifest, dir);
  const input = await openInput({ dir, manifest, splits: options.splits, signal, onEvent });
  const table = path === undefined ? undefined : await prepareTable(path, input);
  const collected = await measure(input, { workers, signal, onEvent });
  await input.requireUnchanged();
  await table?.write(collected.splits, signal);
  return collected;
}

/** Measures splits that are open. The caller checks that their files did not change meanwhile. */
export async function measure(
  input: Input,
  { workers, signal, onEvent }: Pick<StatsOptions, 'workers' | 'signal' | 'onEvent'>,
): Promise<CollectedStats> {
  const scans = await sumUpScans({ ...input, onEvent });
  const splits: SplitDetails[] = [];
  for (const split of input.splits) {
    throwIfAborted(signal);
    splits.push(await measureSplit(input, split, { workers, signal, onEvent: scans.onEvent }));
    scans.done(split);
  }
  const { all, shared } = together(splits);
  const provenance = await provenanceOf(input.manifest);
  const findings = [...leftOut(input), ...findingsOf({ provenance, splits, shared })];
  const result = { ok: true as const, splits: splits.map(({ stats }) => stats), all, shared, findings };
  return { result, splits, provenance };
}

/** A finding for each split that nobody asked for and whose images are not in the folder. */
function leftOut({ leftOut }: Input): StatsFinding[] {
  return leftOut.map((split) => ({
    level: 'info',
    code: 'MISSING',
    message: `${split}: no images in the directory, so it is left out`,
  }));
}
