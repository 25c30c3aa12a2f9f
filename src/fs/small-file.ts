/** Reads a small file under a name where anything may lie: a pipe, a device, a link, gigabytes. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** What lies there is not the small file that is looked for. */
export class UnfitFile extends Error {}

export interface SmallFileOptions {
  /** Most bytes that such a file has. */
  most: number;
  /** Follow a link; pcam's own files are never links. @default true */
  follow?: boolean;
}

/**
 * Reads a text file as a whole, and only when it is a regular one of at most `most` bytes.
 * @throws UnfitFile, or what the file system said
 */
export async function readSmallFile(
  path: string,
  { most, follow = true }: SmallFileOptions,
): Promise<string> {
  // Without O_NONBLOCK a pipe that nobody writes to would block the open call, and the process with it.
  const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (follow ? 0 : (constants.O_NOFOLLOW ?? 0));
  const handle = await open(path, flags);
  try {
    const stats = await handle.stat();
    if (stats.isDirectory()) throw new UnfitFile('it is a folder');
    if (!stats.isFile()) throw new UnfitFile('it is a device, pipe or socket, and no file');
    if (stats.size > most) throw new UnfitFile(`it is larger than ${most} bytes`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}
