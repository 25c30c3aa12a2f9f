/** The last step of a file: under its final name, with a receipt, and the working state gone. */
import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fsError } from '../core/index.js';
import { commitFile, statFile } from '../fs/index.js';
import type { Content } from '../manifest/index.js';
import type { Digests } from '../pass/index.js';
import type { Run } from './run.js';

/** Renames a verified temporary file to its final name. */
export async function commit(run: Run, content: Content, temporary: string, digests: Digests): Promise<void> {
  const final = run.paths.final(content.name);
  try {
    await commitFile(temporary, final);
  } catch (error) {
    throw fsError(error, `putting ${final} into place`);
  }
  try {
    const stats = await statFile(final);
    if (stats) await run.receipts.record(content.name, stats, digests);
  } catch (error) {
    // The file is there and right; without a receipt it is only read again.
    const { message } = fsError(error, `writing ${run.paths.receipts}`);
    run.emit({
      type: 'notice',
      file: content.file.name,
      message: `${content.name} has no receipt: ${message}`,
    });
  }
}

/** A temporary file for `name` that nobody else has; its folder is there. */
export async function temporaryFor(run: Run, name: string): Promise<string> {
  const path = run.paths.temporary(name);
  try {
    await mkdir(dirname(path), { recursive: true });
    await rm(path, { force: true, recursive: true });
  } catch (error) {
    throw fsError(error, `writing ${path}`);
  }
  return path;
}
