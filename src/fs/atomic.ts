/** Files that appear whole or not at all: written under a temporary name, flushed, then renamed. */
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from '../core/index.js';

/**
 * Gives a finished temporary file its final name. Both must be on one file system.
 * The bytes are flushed before and the folder after: a power loss never leaves the name without the bytes.
 */
export async function commitFile(temporary: string, final: string): Promise<void> {
  // Windows flushes only what is open for writing.
  const handle = await open(temporary, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, final);
  await syncFolder(dirname(final));
}

/** Two at once in one process, such as verify beside a download, each have a temporary file of their own. */
let temporaries = 0;

/** Writes a small file in one step. */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  const temporary = `${path}.tmp-${process.pid}-${++temporaries}`;
  try {
    await mkdir(dirname(path), { recursive: true });
    // 'wx' does not follow a link that somebody planted under the temporary name.
    await rm(temporary, { force: true });
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(data);
    } finally {
      await handle.close();
    }
    await commitFile(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Makes a folder, and those above it. Node says ENOENT for a read-only disk; this says what the disk says. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await mkdir(path);
  }
}

async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(folder, 'r');
    await handle.sync();
  } catch {
    // Windows and some network file systems cannot flush a folder; the rename itself has succeeded.
  } finally {
    await handle?.close();
  }
}
