/** Takes over what is already on this machine: a copy, or an archive that is decompressed on the way, also out of a zip archive. */
import { rm } from 'node:fs/promises';
import { fsError, PcamError, type TaskReporter } from '../core/index.js';
import { holds } from '../inventory/index.js';
import type { DatasetFile } from '../manifest/index.js';
import { InputChanged, type PassOutput } from '../pass/index.js';
import { commit, temporaryFor } from './commit.js';
import type { Session } from './context.js';
import { describeFile, passOverLocal } from './places.js';
import type { Action } from './survey.js';
import { checkOutput, digestsOf, outputFor, wanted } from './target.js';
import { BadZip } from './zip.js';

type ImportAction = Extract<Action, { kind: 'import' }>;

/**
 * @param action a file whose digest was found right
 * @returns false when it has changed since, or went away: then nothing was taken over
 * @throws PcamError when it does not decompress to what the manifest says
 */
export async function importFile(
  session: Session,
  file: DatasetFile,
  { action, task }: { action: ImportAction; task: TaskReporter },
): Promise<boolean> {
  const { path, bytes, content, own } = action;
  const { paths, keepArchives, extract, signal } = session;
  const target = wanted(file, extract);
  const decompress = content.form === 'archive' && target.form === 'final';
  const temporary = await temporaryFor(session, target.name);
  try {
    const result = await passOverLocal(action, {
      digests: digestsOf(content),
      output: decompress ? outputFor(file, temporary) : copyTo(temporary, action),
      signal,
      onProgress: (done) => task.progress({ step: 'import', done, total: bytes }),
    }).catch((error) => {
      if (error instanceof PcamError && error.code === 'MISSING') return undefined;
      if (error instanceof InputChanged || error instanceof BadZip) return undefined;
      throw error;
    });
    // A browser may still be at work on it.
    if (!result || !holds(result.input, content)) return false;
    if (decompress) checkOutput(file, result, describeFile(action));
    await commit(session, target, { temporary, digested: result.output! });
    if (content.form === 'archive' && own && !keepArchives) {
      await paths.run.remove(path).catch((error) => {
        throw fsError(error, `removing ${path}`);
      });
    }
    if (decompress && !own && keepArchives) await keepCopy(session, action);
    return true;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Archives that are kept lie in the folder, as after a download; what lies elsewhere is never touched. */
async function keepCopy(session: Session, action: ImportAction): Promise<void> {
  const { content: archive } = action;
  const temporary = await temporaryFor(session, archive.name);
  try {
    const output = copyTo(temporary, action);
    const result = await passOverLocal(action, { digests: [], output, signal: session.signal });
    if (!result.output || !holds(result.output, archive))
      throw new InputChanged(`${describeFile(action)} changed`);
    await commit(session, archive, { temporary, digested: result.output });
  } finally {
    await rm(temporary, { force: true });
  }
}

function copyTo(path: string, { content, bytes }: ImportAction): PassOutput {
  return { path, decode: 'copy', digests: digestsOf(content), maxBytes: bytes };
}
