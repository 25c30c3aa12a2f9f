/** Makes this run the owner of the data set folder: its lock, its temporaries, and the partial downloads in it. */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, fsError, systemCode } from '../core/index.js';
import {
  copyInto,
  makeFolder,
  parseOwner,
  readSmallFile,
  requireOwnFolder,
  stateOf,
  withLock,
} from '../fs/index.js';
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
  return withLock({ path, temporaries, command, signal, clock }, async (workspace) => {
    const owned: OwnedLayout = { ...paths, run: workspace, workspace };
    await ownParts(owned);
    try {
      return await work(owned);
    } finally {
      // Every partial download is closed now: the next run need not ask who may still write to them.
      await workspace.remove(paths.writer).catch(() => {});
    }
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
    await requireOwnFolder(paths.parts);
    await requireOwnFolder(paths.temporaries);
    await requireOwnFolder(paths.receipts);
  } catch (error) {
    throw fsError(error, `making the directory ${paths.state}`);
  }
}

/**
 * A run that lost the lock, and does not know it yet, may still write to the partial downloads that it has open. Those
 * of a run that is not known to have ended are therefore replaced by copies, which nobody else has open.
 */
async function ownParts(paths: OwnedLayout): Promise<void> {
  const { workspace } = paths;
  try {
    if (await mayLive(paths.writer)) await replaceParts(paths);
    await workspace.write(paths.writer, JSON.stringify(workspace.owner));
  } catch (error) {
    throw fsError(error, `taking over the partial downloads in ${paths.parts}`);
  }
}

async function replaceParts({ parts, workspace }: OwnedLayout): Promise<void> {
  for (const name of await namesIn(parts)) {
    const path = join(parts, name);
    if (!name.endsWith('.part') || !(await lstat(path)).isFile()) continue;
    const copy = workspace.path(name);
    await copyInto(path, copy, workspace.signal);
    await workspace.place(copy, path);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Whether a run that wrote its identity to a file may still be at work; false where there is no such file. */
async function mayLive(path: string): Promise<boolean> {
  try {
    const owner = parseOwner(JSON.parse(await readSmallFile(path, { most: 64 * 1024, follow: false })));
    return !owner || (await stateOf(owner)) !== 'ended';
  } catch (error) {
    return systemCode(error) !== 'ENOENT';
  }
}
