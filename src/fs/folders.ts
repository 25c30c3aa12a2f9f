/** Makes directories, and tells pcam's own from links that lead elsewhere. */
import { lstat, mkdir, readlink, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { PcamError, systemCode } from '../core/index.js';

/** How often a directory is made again that other runs remove while it is empty. */
const MAX_TRIES = 4;

/**
 * Makes a directory, and those above it. Not `recursive: true`, which hides what the disk says (ENOENT for EROFS)
 * and, in some places below /proc, never returns.
 */
export async function makeFolder(path: string): Promise<void> {
  const absolute = resolve(path);
  const above = dirname(absolute);
  for (let tries = 0; ; tries++) {
    try {
      return await mkdir(absolute);
    } catch (error) {
      await requireReachable(absolute);
      if (await isFolder(absolute)) return;
      // Another run may have removed it, or the one above, as they were empty.
      if (systemCode(error) === 'EEXIST' && tries < MAX_TRIES && !(await exists(absolute))) continue;
      if (systemCode(error) !== 'ENOENT' || above === absolute) throw error;
      if (tries === MAX_TRIES) {
        throw new PcamError('IO', `no directory can be made at ${absolute}`, {
          cause: error,
          hint: 'choose another place',
        });
      }
      await makeFolder(above);
    }
  }
}

async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  );
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

/** @throws PcamError NOT_A_FOLDER when something other than a real directory is there; nothing at all is fine */
export async function requireOwnFolder(path: string): Promise<void> {
  try {
    const stats = await lstat(path);
    if (stats.isDirectory()) return;
    const found = stats.isSymbolicLink() ? 'a link' : 'something else';
    throw new PcamError('NOT_A_FOLDER', `${path} must be a folder of pcam's own, and is ${found}`, {
      expected: 'a folder',
      found,
      hint: 'nothing was written or removed through it; remove it, then run it again',
    });
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}

/**
 * Refuses links among these paths below `root`, which may be one itself, and among the directories on the way: what
 * is written or removed there would be somewhere else.
 * @throws PcamError NOT_A_FOLDER naming the link
 */
export async function requireNoLinks(root: string, paths: Iterable<string>): Promise<void> {
  const seen = new Set<string>();
  for (const path of paths) {
    let at = root;
    for (const step of path.split('/')) {
      at = join(at, step);
      if (seen.has(at)) continue;
      seen.add(at);
      const stats = await lstat(at).catch((error) => {
        if (['ENOENT', 'ENOTDIR'].includes(systemCode(error))) return undefined;
        throw error;
      });
      if (!stats) break;
      if (!stats.isSymbolicLink()) continue;
      throw new PcamError('NOT_A_FOLDER', `${at} is a link, and could lead out of ${root}`, {
        expected: 'a directory or a file',
        found: 'a link',
        hint: 'nothing was written or removed through it; remove it, then run the same command again',
      });
    }
  }
}

/** The folders that are missing up to a path, the path itself first: what making it would make. */
export async function missingFolders(path: string): Promise<string[]> {
  const missing: string[] = [];
  for (let at = resolve(path); ; at = dirname(at)) {
    try {
      await lstat(at);
      return missing;
    } catch {
      missing.push(at);
      if (dirname(at) === at) return missing;
    }
  }
}

/** Removes folders, the innermost first, as far as they are empty. */
export async function removeIfEmpty(folders: readonly string[]): Promise<void> {
  for (const folder of folders) await rmdir(folder).catch(() => {});
}

/** @throws PcamError NOT_A_FOLDER when the path is a link whose target does not exist; anything else is fine */
export async function requireReachable(path: string): Promise<void> {
  const link = await lstat(path).catch(() => undefined);
  if (!link?.isSymbolicLink()) return;
  const target = await readlink(path).catch(() => '?');
  const missing = await stat(path).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  );
  if (!missing) return;
  throw new PcamError('NOT_A_FOLDER', `${path} is a link to ${target}, which does not exist (not mounted?)`, {
    hint: 'mount it, or choose another folder',
  });
}
