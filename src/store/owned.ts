/** Makes this run the owner of the data set folder: its lock, and a directory for its temporary files. */
import { type Clock, fsError } from '../core/index.js';
import { makeFolder, requireOwnFolder, withLock } from '../fs/index.js';
import { type Layout, layout, type OwnedLayout } from './layout.js';

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
  return withLock({ path, temporaries, command, signal, clock }, async (run) => {
    return await work({ ...paths, run });
  });
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
