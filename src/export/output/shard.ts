/** Gives the files of a finished shard their final names. */
import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fsError } from '../../core/index.js';
import { type FileIdentity, makeFolder, requireNoLinks, type Staged } from '../../fs/index.js';
import type { OutputFolder } from './folder.js';
import type { Journal } from './journal.js';
import type { FileRecord } from './types.js';

const RENAMES_AT_ONCE = 128;

export interface Shard {
  readonly records: readonly FileRecord[];
  /** What the files of `records` were when they had been written and digested. */
  readonly written: ReadonlyMap<string, FileIdentity>;
  /** Files that one of `records` lists. */
  readonly loose: readonly string[];
  /** Where the files are, in this run's own directory. */
  readonly from: string;
}

/** Flushes the files of a shard, notes them in the journal, and only then gives them their names. */
export async function nameShard(folder: OutputFolder, journal: Journal, shard: Shard): Promise<void> {
  const { records, loose, from, written } = shard;
  const staged: [string, Staged][] = [];
  try {
    for (const { file } of records)
      staged.push([file, await folder.workspace.stage(join(from, file), written.get(file))]);
    await journal.add(records);
    await makeFolders(folder.path, [...loose, ...records.map(({ file }) => file)]);
    await nameLoose(folder, shard);
    for (const [file, one] of staged.reverse()) await one.place(join(folder.path, file));
  } catch (error) {
    throw fsError(error, `writing ${folder.path}`);
  } finally {
    for (const [, one] of staged) await one.close();
  }
}

async function makeFolders(out: string, files: readonly string[]): Promise<void> {
  const folders = new Set(files.map((file) => dirname(file)).filter((folder) => folder !== '.'));
  for (const folder of folders) {
    await requireNoLinks(out, [folder]);
    await makeFolder(join(out, folder));
  }
}

/**
 * Images before the list that vouches for them. They are not flushed one by one, which would take most of the time:
 * should the power fail, the next run finds them by their digests.
 */
async function nameLoose({ path, workspace }: OutputFolder, { loose, from }: Shard): Promise<void> {
  for (let i = 0; i < loose.length; i += RENAMES_AT_ONCE) {
    await workspace.check();
    const some = loose.slice(i, i + RENAMES_AT_ONCE);
    await Promise.all(some.map((file) => rename(join(from, file), join(path, file))));
  }
}
