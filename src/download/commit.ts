/** The last step of a file: under its final name, with a receipt, and the working state gone. */
import { rm } from 'node:fs/promises';
import { fsError } from '../core/index.js';
import type { FileIdentity } from '../fs/index.js';
import type { Content } from '../manifest/index.js';
import type { Digests } from '../pass/index.js';
import type { FileStats } from '../store/index.js';
import type { OwnedRun } from './run.js';

export interface Verified {
  /** A file in this run's own directory. */
  readonly temporary: string;
  readonly digests: Digests;
  /** What the file was when its digests were computed. */
  readonly digested: FileIdentity;
  /** Removes other names of the file, once it has the final one: that changes what its receipt says. */
  readonly cleanUp?: () => Promise<void>;
}

/** Renames a verified temporary file to its final name. */
export async function commit(
  run: OwnedRun,
  content: Content,
  { temporary, digests, digested, cleanUp }: Verified,
): Promise<void> {
  const final = run.paths.final(content.name);
  try {
    const stats = await run.paths.workspace.commit(temporary, final, { digested, cleanUp });
    await noteReceipt(run, content, { stats, digests });
  } catch (error) {
    throw fsError(error, `putting ${final} into place`);
  }
}

/** The file is there and right; without a receipt it is only read again. */
async function noteReceipt(
  run: OwnedRun,
  content: Content,
  { stats, digests }: { stats: FileStats; digests: Digests },
): Promise<void> {
  try {
    await run.receipts.record(content.name, stats, digests);
  } catch (error) {
    await run.paths.workspace.check();
    const { message } = fsError(error, `writing ${run.paths.receipts}`);
    run.emit({
      type: 'notice',
      file: content.file.name,
      message: `${content.name} has no receipt: ${message}`,
    });
  }
}

/** Path of a temporary file for `name`; nothing is there. */
export async function temporaryFor({ paths: { workspace } }: OwnedRun, name: string): Promise<string> {
  const path = workspace.path(name);
  await rm(path, { force: true, recursive: true });
  return path;
}
