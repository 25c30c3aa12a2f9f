/** Where a person asks for one file to be written: looked at before the work begins. */
import { readlink, realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fsError, PcamError, systemCode } from '../core/index.js';
import { replaceFile, writeNewFile } from './write.js';

/** More links than any system follows. */
const MOST_LINKS = 40;

/**
 * Requires the folder of a file to exist: a mistyped one would otherwise appear out of nothing. What is there must be
 * a file, as it is going to be replaced: not a device such as /dev/null, which even root would miss.
 * @returns the file to replace, links followed: they stay
 * @throws PcamError NOT_A_FOLDER; USAGE for an empty name; IO when anything but a file has that name
 */
export async function requireOutputPlace(path: string): Promise<string> {
  if (path === '') throw new PcamError('USAGE', 'the name of the output file is empty');
  const found = await look(path);
  if (found !== 'file' && found !== 'nothing') {
    throw new PcamError('IO', `cannot write ${path}: expected a file, found ${found}`, {
      expected: 'a file',
      found,
      hint: `name a file${found === 'a directory' ? ' in it' : ''}, or another place; nothing was written`,
    });
  }
  const target = await behindLinks(path);
  await requireFolder(target);
  return target;
}

/** @throws PcamError NOT_A_FOLDER */
async function requireFolder(path: string): Promise<void> {
  const folder = dirname(path);
  const found = await look(folder);
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
  /** As it was asked for. */
  path: string;
  /** What `requireOutputPlace` gave for it. */
  target: string;
}

/**
 * Writes such a file in one step: bytes, or what `content` creates under a temporary name.
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
    // What says that a file is missing would be taken for one of the data set.
    await requireFolder(target);
    throw fsError(error, `writing ${path}`);
  }
}

/** The name that is not a link any more, whether there is a file or not; the path itself where it is none. */
async function behindLinks(path: string): Promise<string> {
  let at = path;
  for (let links = 0; links < MOST_LINKS; links++) {
    const target = await readlink(at).catch(() => undefined);
    if (target === undefined) return at;
    at = resolve(await realpath(dirname(at)), target);
  }
  throw new PcamError('IO', `cannot write ${path}: its links lead in a circle`, {
    hint: 'remove the link, or name another file; nothing was written',
  });
}

async function look(path: string): Promise<'a directory' | 'file' | 'a device, pipe or socket' | 'nothing'> {
  try {
    const stats = await stat(path);
    if (stats.isDirectory()) return 'a directory';
    return stats.isFile() ? 'file' : 'a device, pipe or socket';
  } catch (error) {
    if (systemCode(error) === 'ELOOP') return 'nothing'; // told when its links are followed
    if (systemCode(error) === 'ENOENT') return 'nothing';
    if (systemCode(error) === 'ENOTDIR') return 'nothing';
    throw fsError(error, `looking at ${path}`);
  }
}
