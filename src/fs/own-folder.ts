/** Folders of pcam's own: real ones, or nothing at all. */
import { lstat } from 'node:fs/promises';
import { PcamError, systemCode } from '../core/index.js';

/** @throws PcamError NOT_A_FOLDER when something else than a real folder stands there; nothing at all is fine */
export async function requireOwnFolder(path: string): Promise<void> {
  try {
    const stats = await lstat(path);
    if (stats.isDirectory()) return;
    const found = stats.isSymbolicLink() ? 'a link' : 'something else';
    throw new PcamError('NOT_A_FOLDER', `${path} must be a folder of pcam's own, and is ${found}`, {
      expected: 'a folder',
      found,
      hint: 'nothing was written or removed behind it; remove it, then run it again',
    });
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}
