/** Where a person asks for one file to be written: looked at before the work begins. */
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fsError, PcamError, systemCode } from '../core/index.js';

/**
 * Requires the folder of a file to exist: a mistyped one would otherwise appear out of nothing.
 * @throws PcamError NOT_A_FOLDER; USAGE for an empty name; IO when the name is that of a folder
 */
export async function requireOutputPlace(path: string): Promise<void> {
  if (path === '') throw new PcamError('USAGE', 'the name of the output file is empty');
  const folder = dirname(path);
  const found = await look(folder);
  if (found === 'nothing') {
    throw new PcamError('NOT_A_FOLDER', `cannot write ${path}: there is no directory ${folder}`, {
      hint: 'create it, or write to another place; nothing was written',
    });
  }
  if (found === 'file') {
    throw new PcamError('NOT_A_FOLDER', `cannot write ${path}: ${folder} is not a directory`, {
      hint: 'write to another place; nothing was written',
    });
  }
  if ((await look(path)) === 'folder') {
    throw new PcamError('IO', `cannot write ${path}: expected a file, found a directory`, {
      hint: 'name a file in it, or another place; nothing was written',
    });
  }
}

async function look(path: string): Promise<'folder' | 'file' | 'nothing'> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 'nothing';
    if (systemCode(error) === 'ENOTDIR') return 'nothing';
    throw fsError(error, `looking at ${path}`);
  }
}
