/** Keeps what is made from a data set out of the folder that the data set is in. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { PcamError } from '../core/index.js';

/**
 * Refuses a folder that the data set is in, links followed.
 * @throws PcamError USAGE
 */
export async function requireApart(out: string, dir: string): Promise<void> {
  const [from, to] = await Promise.all([realFolder(dir), realFolder(out)]);
  const way = relative(from, to);
  if (way !== '' && (way === '..' || way.startsWith(`..${sep}`) || resolve(from, way) === way)) return;
  throw new PcamError('USAGE', `the output folder ${out} is inside the data set folder ${dir}`, {
    hint: 'choose a folder outside of it',
    options: ['out'],
  });
}

/** The real path of a folder, or of what there is of it. */
async function realFolder(path: string): Promise<string> {
  const absolute = resolve(path);
  try {
    return await realpath(absolute);
  } catch {
    const parent = dirname(absolute);
    return parent === absolute ? absolute : join(await realFolder(parent), basename(absolute));
  }
}
