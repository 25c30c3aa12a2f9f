/** Checks that output goes neither into the data set folder nor over one of its files. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { PcamError } from '../core/index.js';
import { requireOutputPlace } from '../fs/index.js';
import { finalName, type Manifest } from '../manifest/index.js';
import { layout } from '../store/index.js';

/**
 * Refuses an output folder inside the data set folder, links followed.
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

/**
 * Requires a place for one file that is neither one of the data set nor of pcam; it may be in the folder of the data set.
 * @returns the file to replace, links followed
 * @throws PcamError USAGE; as `requireOutputPlace`
 */
export async function requireOutputFile(options: {
  path: string;
  dir: string;
  manifest: Manifest;
}): Promise<string> {
  const { path, dir, manifest } = options;
  const target = await requireOutputPlace(path);
  const [real, folder] = [await realFolder(target), await realFolder(dir)];
  const names = manifest.files.flatMap((file) => [file.name, finalName(file)]);
  const taken = names.map((name) => join(folder, name));
  if (manifest.origin?.path !== undefined) taken.push(await realFolder(manifest.origin.path));
  const state = `${layout(folder).state}${sep}`;
  if (!taken.includes(real) && !real.startsWith(state)) return target;
  throw new PcamError('USAGE', `${path} is a file of the data set, or of pcam`, {
    hint: 'choose another name; nothing was written',
  });
}

/** The real path of a folder; of one that does not exist yet, by its nearest parent that does. */
async function realFolder(path: string): Promise<string> {
  const absolute = resolve(path);
  try {
    return await realpath(absolute);
  } catch {
    const parent = dirname(absolute);
    return parent === absolute ? absolute : join(await realFolder(parent), basename(absolute));
  }
}
