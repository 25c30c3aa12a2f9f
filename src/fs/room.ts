/** How much room a disk has. */
import { stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** Free bytes for this user on the file system that `folder` is, or will be, on. */
export async function freeBytes(folder: string): Promise<number> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    try {
      await stat(at);
      const { bavail, bsize } = await statfs(at);
      return bavail * bsize;
    } catch (error) {
      if (dirname(at) === at) throw error;
    }
  }
}
