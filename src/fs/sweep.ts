/** Removes the temporaries of runs that have ended or lost their lock; on file systems, nothing else is a fence. */
import { lstat, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../core/index.js';

export interface Sweep {
  /** Holds a directory per run. */
  temporaries: string;
  /** This run's own among them. */
  folder: string;
  /** What the next run needs of what an earlier one left; it comes into this run's directory. */
  keep: (name: string) => boolean;
}

/** Deeper than any run that was killed while it swept the directory of one that was killed, and so on. */
const DEEPEST = 8;

/**
 * Moves the directories of all other runs away, each in one step, before looking at their files: from then on
 * none of their files can be renamed into place any more, and they can move nothing.
 * @returns false when this run's own directory was taken away, by a run that had lost the lock before it knew
 */
export async function sweep(options: Sweep): Promise<boolean> {
  try {
    await takeAway(options);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' || (await isThere(options.folder))) throw error;
  }
  return await isThere(options.folder);
}

async function takeAway({ temporaries, folder, keep }: Sweep): Promise<void> {
  for (const name of await readdir(temporaries)) {
    const path = join(temporaries, name);
    if (path === folder) continue;
    const aside = join(folder, keep(name) ? name : `left-${name}`);
    try {
      await rename(path, aside);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error; // it has just ended, or this run's own directory was removed
    }
  }
  for (const name of await readdir(folder)) {
    if (!name.startsWith('left-')) continue;
    const left = join(folder, name);
    await rescue({ from: left, to: folder, keep, depth: 0 });
    await rm(left, { recursive: true, force: true });
  }
}

/** What is to be kept lies above the directories of the runs between two runs. */
export async function giveBack({ temporaries, folder, keep }: Sweep): Promise<void> {
  await rescue({ from: folder, to: temporaries, keep, depth: 0 });
}

interface Rescue {
  from: string;
  to: string;
  keep: (name: string) => boolean;
  depth: number;
}

async function rescue({ from, to, keep, depth }: Rescue): Promise<void> {
  if (depth > DEEPEST || !(await lstat(from)).isDirectory()) return;
  for (const { name, parentPath, ...entry } of await entriesOf(from)) {
    const path = join(parentPath, name);
    if (keep(name) && !(await isThere(join(to, name)))) await rename(path, join(to, name));
    else if (entry.directory) await rescue({ from: path, to, keep, depth: depth + 1 });
  }
}

async function entriesOf(
  folder: string,
): Promise<{ name: string; parentPath: string; directory: boolean }[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.map((entry) => ({ name: entry.name, parentPath: folder, directory: entry.isDirectory() }));
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}
