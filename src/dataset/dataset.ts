/** Opens a data set folder: its splits, in batches. */
import { stat } from 'node:fs/promises';
import { DEFAULTS, fsError, PcamError, systemCode } from '../core/index.js';
import { type Manifest, resolveManifest, SPLITS, type SplitName } from '../manifest/index.js';
import { locate, openSplit } from './split.js';
import type { Dataset, Split } from './types.js';

export interface OpenDatasetOptions {
  /** The data set folder. @default 'pcam' */
  dir?: string;
  /** A manifest, or the path of one. @default the built-in one */
  manifest?: Manifest | string;
}

/**
 * Opens a data set folder. Files are opened by `split`; digests are not looked at: that is what `verify` is for.
 * @throws PcamError MISSING when there is no such folder, NOT_A_FOLDER
 */
export async function openDataset({
  dir = DEFAULTS.dir,
  manifest,
}: OpenDatasetOptions = {}): Promise<Dataset> {
  await requireFolder(dir);
  const known = await resolveManifest(manifest, dir);
  const splits = SPLITS.filter((split) =>
    (['images', 'labels'] as const).every((kind) => locate({ dir, manifest: known, split, kind })?.present),
  );
  const opened = new Map<SplitName, Promise<Split>>();
  return {
    dir,
    splits,
    split(name) {
      const open = opened.get(name) ?? openSplit({ dir, manifest: known, split: name });
      opened.set(name, open);
      // A split that failed to open is tried again: its file may have been fetched in between.
      open.catch(() => opened.delete(name));
      return open;
    },
    close() {
      for (const split of opened.values()) {
        split.then(
          (open) => open.close(),
          () => {},
        );
      }
      opened.clear();
    },
  };
}

async function requireFolder(dir: string): Promise<void> {
  try {
    if ((await stat(dir)).isDirectory()) return;
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw fsError(error, `opening the folder ${dir}`);
    throw new PcamError('MISSING', `there is no folder ${dir}`, {
      cause: error,
      hint: 'fetch the data set, or name the folder that it is in',
      options: ['dir'],
      next: { command: 'download' },
    });
  }
  throw new PcamError('NOT_A_FOLDER', `${dir} is a file, and a data set is a folder of files`, {
    hint: 'name the folder that the file is in',
    options: ['dir'],
  });
}
