/** Renames files whose bytes are those of another file of the manifest to their own names, and buries nothing right. */
import { fsError } from '../core/index.js';
import { sameFile, statFile } from '../fs/index.js';
import { allContents, type Content, type Manifest } from '../manifest/index.js';
import type { OwnedLayout } from '../store/index.js';
import type { Found, Inventory } from './inventory.js';

export interface Rename {
  /** Names in the data set folder. */
  readonly from: string;
  readonly to: string;
}

export interface RenameRequest {
  paths: OwnedLayout;
  manifest: Manifest;
  inventory: Inventory;
  /** What to rename, where it does not hold its own bytes. @default only what an earlier run has set aside */
  names?: readonly string[];
}

/** A file on its way between two names. */
interface Aside {
  readonly path: string;
  readonly from?: string;
  /** What was found under its old name. */
  readonly found?: Found;
}

/**
 * Renames misplaced files of the data set folder, unless the right bytes have their name already. Each is first set
 * aside, and so is the file that has its name and belongs elsewhere, and so on round a circle. A run that is killed
 * meanwhile leaves files aside, and the next one recognises them by their digests: call this before looking at the
 * folder, too.
 */
export async function renameMisplaced(request: RenameRequest): Promise<Rename[]> {
  const { paths, manifest, inventory, names = [] } = request;
  const renames: Rename[] = [];
  try {
    await placeAll(request, await leftAside(paths), renames);
    for (const content of allContents(manifest)) {
      if (!names.includes(content.name) || !(await inventory.misplaced(content))) continue;
      await placeAll(request, await setAside(request, content), renames);
    }
    return renames;
  } catch (error) {
    throw fsError(error, `renaming files in ${paths.dir}`);
  }
}

async function leftAside({ run }: OwnedLayout): Promise<Aside[]> {
  return (await run.asides()).map((path) => ({ path }));
}

async function setAside({ paths, inventory }: RenameRequest, content: Content): Promise<Aside[]> {
  const found = await inventory.read(content);
  const path = await paths.run.setAside(paths.final(content.name));
  inventory.set(content, undefined);
  return path === undefined ? [] : [{ path, from: content.name, found }];
}

/** Gives files that are aside their names. One whose bytes the manifest does not know stays aside. */
async function placeAll(request: RenameRequest, asides: Aside[], renames: Rename[]): Promise<void> {
  const { paths, inventory } = request;
  const queue = [...asides];
  for (let aside = queue.shift(); aside; aside = queue.shift()) {
    const found = await identify(inventory, aside);
    if (!found || !inventory.isKnown(found)) continue;
    const content = await inventory.homeOf(found);
    if (!content) {
      await paths.run.remove(aside.path); // a second copy
      continue;
    }
    if (await inventory.misplaced(content)) queue.push(...(await setAside(request, content)));
    const final = paths.final(content.name);
    await paths.run.place(aside.path, final);
    inventory.set(content, found);
    const stats = await statFile(final);
    if (stats && sameFile(stats, found.stats)) await inventory.record(content, { ...found, stats });
    if (aside.from !== undefined) renames.push({ from: aside.from, to: content.name });
  }
}

async function identify(inventory: Inventory, { path, found }: Aside): Promise<Found | undefined> {
  const stats = await statFile(path);
  if (found && stats && sameFile(stats, found.stats)) return found;
  return stats && (await inventory.digest(path, Number(stats.size)));
}
