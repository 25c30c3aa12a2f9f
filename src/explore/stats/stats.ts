/** Exact statistics of the data set: one reading of the images, and none when they have been read before. */
import { DEFAULTS, PcamError, throwIfAborted } from '../../core/index.js';
import { locate } from '../../dataset/index.js';
import { type Manifest, resolveManifest, SPLITS, type SplitName } from '../../manifest/index.js';
import { sumUpScans } from '../../scan/index.js';
import { watchSplits } from '../../verified/index.js';
import { findingsOf } from './findings.js';
import { together } from './shared.js';
import { readSplit, type SplitDetails } from './split-facts.js';
import { prepareTable } from './table.js';
import type { StatsFinding, StatsOptions, StatsResult } from './types.js';

/** The figures, and what they were made from. */
export interface CollectedStats {
  readonly result: StatsResult;
  readonly splits: readonly SplitDetails[];
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

/** The same, with the digests, labels and meta rows of every patch. */
export async function collectStats(options: StatsOptions = {}): Promise<CollectedStats> {
  const { dir = DEFAULTS.dir, workers, signal, onEvent } = options;
  const manifest = await resolveManifest(options.manifest);
  const names = chooseSplits(dir, manifest, options.splits);
  const table =
    options.table === undefined
      ? undefined
      : await prepareTable({ path: options.table, dir, manifest, given: options.manifest });
  const progress = await sumUpScans({ dir, manifest, splits: names, onEvent });
  const unchanged = await watchSplits({ dir, manifest, splits: names });
  const splits: SplitDetails[] = [];
  for (const split of names) {
    throwIfAborted(signal);
    splits.push(await readSplit({ dir, manifest, split, workers, signal, onEvent: progress.onEvent }));
    progress.done(split);
  }
  await unchanged();
  await table?.write(splits, signal);
  const { all, shared } = together(splits);
  const findings = [
    ...absent(manifest, names, options.splits),
    ...findingsOf({ dataset: manifest.dataset, splits, shared }),
  ];
  return { result: { ok: true, splits: splits.map(({ stats }) => stats), all, shared, findings }, splits };
}

/** The splits that are asked for; or those whose images are in the folder. */
function chooseSplits(dir: string, manifest: Manifest, wanted: readonly SplitName[] = []): SplitName[] {
  const known = SPLITS.filter((split) => locate({ dir, manifest, split, kind: 'images' }));
  const chosen = SPLITS.filter((split) => (wanted.length > 0 ? wanted : known).includes(split));
  const without = chosen.find((split) => !known.includes(split));
  if (without !== undefined || known.length === 0) {
    const message =
      without === undefined ? 'the manifest has no images' : `the manifest has no split ${without}`;
    throw new PcamError('USAGE', message, { next: { command: 'info' } });
  }
  const present = chosen.filter((split) => locate({ dir, manifest, split, kind: 'images' })!.present);
  if (present.length === 0 || (wanted.length > 0 && present.length < chosen.length)) {
    throw missing(dir, manifest, chosen.find((split) => !present.includes(split))!);
  }
  return present;
}

/** Said at once, and not after minutes. */
function missing(dir: string, manifest: Manifest, split: SplitName): PcamError {
  const { path } = locate({ dir, manifest, split, kind: 'images' })!;
  return new PcamError('MISSING', `the images of ${split} are missing: there is no ${path}`, {
    next: { command: 'download', splits: [split] },
  });
}

/** The splits that were not asked for by name, and are not there. */
function absent(
  manifest: Manifest,
  there: readonly SplitName[],
  wanted: readonly SplitName[] = [],
): StatsFinding[] {
  if (wanted.length > 0) return [];
  return SPLITS.filter((split) => !there.includes(split))
    .filter((split) => manifest.files.some((file) => file.split === split && file.kind === 'images'))
    .map((split) => ({
      level: 'info',
      code: 'MISSING',
      message: `${split}: no images in the directory, so it is left out`,
    }));
}
