/** A folder as its files and their digests, to compare folders. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export function sha256(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex');
}

/** SHA-256 by path below `folder`, with forward slashes, sorted. */
export async function treeOf(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  const tree: Record<string, string> = {};
  // One by one: an export as a folder has more files than a process may open.
  for (const path of paths.sort()) tree[path] = sha256(await readFile(join(folder, path)));
  return tree;
}
