/** Sees to it that pcam's working state lies in the data set folder, before anything there is written or swept. */
import { fsError } from '../core/index.js';
import { makeFolder, requireOwnFolder } from '../fs/index.js';
import type { Layout } from './layout.js';

/**
 * Makes the state folder. A link in its place, or in that of a folder inside, would lead what pcam writes and
 * removes there to somebody else's files.
 * @throws PcamError NOT_A_FOLDER, NO_PERMISSION, DISK_FULL
 */
export async function prepareState(paths: Layout): Promise<void> {
  try {
    await makeFolder(paths.dir);
    await requireOwnFolder(paths.state);
    await makeFolder(paths.state);
    await requireOwnFolder(paths.parts);
    await requireOwnFolder(paths.temporaries);
  } catch (error) {
    throw fsError(error, `making the folder ${paths.state}`);
  }
}
