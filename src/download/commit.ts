/** The last step of a file: under its final name, with a receipt. */
import { rm } from 'node:fs/promises';
import { fsError } from '../core/index.js';
import type { Content } from '../manifest/index.js';
import type { Digests, HandleStats } from '../pass/index.js';
import type { Session } from './context.js';

/** Renames a verified file of this run to its final name. */
export async function commit(
  { paths, receipts, emit }: Session,
  content: Content,
  { temporary, digested }: { temporary: string; digested: { digests: Digests; stats: HandleStats } },
): Promise<void> {
  const final = paths.final(content.name);
  try {
    const stats = await paths.run.commit(temporary, final, { digested: digested.stats });
    await receipts.record(content.name, stats, digested.digests).catch(async (error) => {
      await paths.run.check();
      // The file is there and right; without a receipt it is only read again.
      const { message } = fsError(error, `writing ${paths.receipts}`);
      emit({
        type: 'notice',
        file: content.file.name,
        message: `${content.name} has no receipt: ${message}`,
      });
    });
  } catch (error) {
    throw fsError(error, `putting ${final} into place`);
  }
}

/** Path of a temporary file for `name`; nothing is there. */
export async function temporaryFor({ paths: { run } }: Session, name: string): Promise<string> {
  const path = run.path(name);
  await rm(path, { force: true, recursive: true });
  return path;
}
