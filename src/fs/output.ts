/** Output files that a user names (`-o`, `--table`): the place is checked before the work begins. */
import { readlink, realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fsError, PcamError, systemCode } from '../core/index.js';
import { replaceFile, writeNewFile } from './write.js';

/** More than any system follows. */
const MAX_LINKS = 40;

/**
 * Requires the directory of an output file to exist, so that a typing error makes no new one, and that nothing but a
 * regular file has its name: the file is replaced by a rename, and a device such as /dev/null would be gone.
 * @returns the path with links resolved: links stay, and their target is replaced
 * @throws PcamError NOT_A_FOLDER; USAGE for an empty name; IO when anything but a file has that name
 */
export async function requireOutputPlace(path: string): Promise<string> {
  if (path === '') throw new PcamError('USAGE', 'the name of the output file is empty');
  const found = await kindOf(path);
  if (found !== 'file' && found !== 'nothing') {
    throw new PcamError('IO', `cannot write ${path}: expected a file, found ${found}`, {
      expected: 'a file',
      found,
      hint: `name a file${found === 'a directory' ? ' in it' : ''}, or another place; nothing was written`,
    });
  }
  const target = await resolveLinks(path);
  await requireFolder(target);
  return target;
}

/** @throws PcamError NOT_A_FOLDER */
async function requireFolder(path: string): Promise<void> {
  const folder = dirname(path);
  const found = await kindOf(folder);
  if (found === 'nothing') {
    throw new PcamError('NOT_A_FOLDER', `cannot write ${path}: there is no directory ${folder}`, {
      hint: 'create it, or write to another place; nothing was written',
    });
  }
  if (found !== 'a directory') {
    throw new PcamError('NOT_A_FOLDER', `cannot write ${path}: ${folder} is not a directory`, {
      hint: 'write to another place; nothing was written',
    });
  }
}

export interface OutputFile {
  /** As the user named it, for messages. */
  path: string;
  /** The result of `requireOutputPlace`. */
  target: string;
}

/**
 * Writes an output file in one step: bytes, or the file that `content` writes under a temporary name.
 * @throws PcamError DISK_FULL, NO_PERMISSION, IO; NOT_A_FOLDER when the directory is gone
 */
export async function writeOutput(
  { path, target }: OutputFile,
  content: Uint8Array | ((temporary: string) => Promise<unknown>),
): Promise<void> {
  const write =
    typeof content === 'function' ? content : (temporary: string) => writeNewFile(temporary, content);
  try {
    await replaceFile(target, write);
  } catch (error) {
    // ENOENT means the directory here, and would be reported as a missing file of the data set.
    await requireFolder(target);
    throw fsError(error, `writing ${path}`);
  }
}

/** Follows links to their end, whether there is a file or not. */
async function resolveLinks(path: string): Promise<string> {
  let at = path;
  for (let links = 0; links < MAX_LINKS; links++) {
    const target = await readlink(at).catch(() => undefined);
    if (target === undefined) return at;
    at = resolve(await realpath(dirname(at)), target);
  }
  throw new PcamError('IO', `cannot write ${path}: its links lead in a circle`, {
    hint: 'remove the link, or name another file; nothing was written',
  });
}

async function kindOf(
  path: string,
): Promise<'a directory' | 'file' | 'a device, pipe or socket' | 'nothing'> {
  try {
    const stats = await stat(path);
    if (stats.isDirectory()) return 'a directory';
    return stats.isFile() ? 'file' : 'a device, pipe or socket';
  } catch (error) {
    // ELOOP is reported when the links are resolved.
    if (['ELOOP', 'ENOENT', 'ENOTDIR'].includes(systemCode(error))) return 'nothing';
    throw fsError(error, `looking at ${path}`);
  }
}
