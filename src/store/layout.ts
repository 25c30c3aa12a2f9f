/** The data set folder: where everything lies in it, and the lock of the one run that changes it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, fsError } from '../core/index.js';
import { makeFolder, type RunFolder, requireOwnFolder, withLock } from '../fs/index.js';
import { finalName, keptManifest, type Manifest } from '../manifest/index.js';

const STATE_FOLDER = '.pcam';

export interface Layout {
  /** The data set folder. */
  readonly dir: string;
  /** pcam's working state, `<dir>/.pcam`. */
  readonly state: string;
  readonly lock: string;
  /** Where each verified file has its receipt. */
  readonly receipts: string;
  /** Where partial downloads and their journals lie. */
  readonly partial: string;
  /** Where each run has a directory of its own for files whose digests are not known to be right yet. */
  readonly temporaries: string;
  /** The manifest that was named at a download. */
  readonly manifest: string;
  /** What was found out about the patches of each split. */
  readonly scans: string;
  final(name: string): string;
}

/** The data set folder as the run sees it that holds its lock: only that one changes anything. */
export interface OwnedLayout extends Layout {
  readonly run: RunFolder;
}

export function layout(dir: string): Layout {
  const state = join(dir, STATE_FOLDER);
  return {
    dir,
    state,
    lock: join(state, 'lock'),
    receipts: join(state, 'receipts'),
    partial: join(state, 'partial'),
    temporaries: join(state, 'tmp'),
    manifest: keptManifest(dir),
    scans: join(state, 'scans'),
    final: (name) => join(dir, name),
  };
}

export interface OwnOptions {
  dir: string;
  /** For the message that another run gets. */
  command: string;
  signal?: AbortSignal;
  /** @default the system's */
  clock?: Clock;
}

/**
 * Runs `work` as the only run that changes the data set folder.
 * @throws PcamError LOCKED, NOT_A_FOLDER, NO_PERMISSION, DISK_FULL
 */
export async function withDataFolder<T>(
  { dir, command, signal, clock }: OwnOptions,
  work: (paths: OwnedLayout) => Promise<T>,
): Promise<T> {
  const paths = layout(dir);
  await prepareState(paths);
  const { lock: path, temporaries } = paths;
  return withLock({ path, temporaries, command, signal, clock }, (run) => work({ ...paths, run }));
}

/**
 * Makes the state folder. A link in its place, or in that of a folder inside, would lead what pcam writes and
 * removes there to someone else's files.
 */
async function prepareState(paths: Layout): Promise<void> {
  try {
    await makeFolder(paths.dir);
    await requireOwnFolder(paths.state);
    await makeFolder(paths.state);
    await requireOwnFolder(paths.partial);
    await requireOwnFolder(paths.temporaries);
    await requireOwnFolder(paths.receipts);
  } catch (error) {
    throw fsError(error, `making the directory ${paths.state}`);
  }
}

/** The folder that the images are in, where people stand in it, or name the one above it. */
export function findNearby(dir: string, manifest: Manifest): string | undefined {
  const images = manifest.files.filter(({ kind }) => kind === 'images').map(finalName);
  const holdsImages = (place: string) => images.some((name) => existsSync(join(place, name)));
  return holdsImages(dir) ? undefined : [join(dir, 'pcam'), '.'].find(holdsImages);
}
