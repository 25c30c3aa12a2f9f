/** Sees to it that pcam's working state lies in the data set folder, before anything there is written or swept. */
import { lstat } from 'node:fs/promises';
import { makeFolder } from './atomic.js';
import { fsError, PcamError, systemCode } from './errors.js';
import type { Layout } from './paths.js';

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

/** @throws PcamError NOT_A_FOLDER when something else than a real folder stands there; nothing at all is fine */
export async function requireOwnFolder(path: string): Promise<void> {
  try {
    const stats = await lstat(path);
    if (stats.isDirectory()) return;
    const found = stats.isSymbolicLink() ? 'a link' : 'something else';
    throw new PcamError('NOT_A_FOLDER', `${path} must be a folder of pcam's own, and is ${found}`, {
      expected: 'a folder',
      found,
      hint: 'nothing was written or removed behind it; remove it, then run the same command again',
    });
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}
