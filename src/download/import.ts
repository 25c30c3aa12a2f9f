/** Takes over what is already on this machine: a copy, or an archive that is decompressed on the way. */
import { rm } from 'node:fs/promises';
import { fsError, type TaskReporter } from '../core/index.js';
import { holds } from '../inventory/index.js';
import type { DatasetFile } from '../manifest/index.js';
import { InputChanged, type PassOutput, type PassResult, passOver } from '../pass/index.js';
import { commit, temporaryFor } from './commit.js';

import type { OwnedRun } from './run.js';
import type { Action } from './survey.js';
import { checkOutput, digestsOf, outputFor, wanted } from './target.js';

export type ImportAction = Extract<Action, { kind: 'import' }>;

/**
 * @param action a file whose digest was found right
 * @returns false when it has changed since, or went away: then nothing was taken over
 * @throws PcamError when it does not decompress to what the manifest says
 */
export async function importFile(
  run: OwnedRun,
  file: DatasetFile,
  action: ImportAction,
  task: TaskReporter,
): Promise<boolean> {
  const target = wanted(file, run.extract);
  const temporary = await temporaryFor(run, target.name);
  try {
    const decompress = action.content.form === 'archive' && target.form === 'final';
    const result = await pass({ run, file, action, path: temporary, decompress, task }).catch((error) => {
      if (error instanceof InputChanged || error.code === 'MISSING') return undefined;
      throw error;
    });
    // A browser may still be at work on it.
    if (!result || !holds(result.input, action.content)) return false;
    if (decompress) checkOutput(file, result, action.path);
    const { digests, stats: digested } = result.output!;
    await commit(run, target, { temporary, digests, digested });
    await settleArchive(run, action);
    return true;
  } finally {
    await rm(temporary, { force: true });
  }
}

interface ImportPass {
  run: OwnedRun;
  file: DatasetFile;
  action: ImportAction;
  path: string;
  decompress: boolean;
  task: TaskReporter;
}

function pass({ run, file, action, path, decompress, task }: ImportPass): Promise<PassResult> {
  const { signal } = run;
  const { bytes, content } = action;
  return passOver(bytes, {
    input: action.path,
    digests: digestsOf(content),
    output: decompress ? outputFor(file, path) : copyTo(path, action),
    signal,
    onProgress: (done) => task.progress({ step: 'import', done, total: bytes }),
  });
}

/** The archive in the data set folder goes, or stays, as after a download; what lies elsewhere is never touched. */
async function settleArchive(run: OwnedRun, action: ImportAction): Promise<void> {
  const { own, path, content } = action;
  if (content.form !== 'archive') return;
  try {
    if (own && !run.keepArchives) await run.paths.workspace.remove(path);
  } catch (error) {
    throw fsError(error, `removing ${path}`);
  }
  if (!own && run.keepArchives && run.extract) await keepCopy(run, action);
}

async function keepCopy(run: OwnedRun, action: ImportAction): Promise<void> {
  const { content: archive, path, bytes } = action;
  const temporary = await temporaryFor(run, archive.name);
  try {
    const { output } = await passOver(bytes, {
      input: path,
      digests: [],
      output: copyTo(temporary, action),
      signal: run.signal,
    });
    if (!output || !holds(output, archive)) throw new InputChanged(`${path} changed`);
    await commit(run, archive, { temporary, digests: output.digests, digested: output.stats });
  } finally {
    await rm(temporary, { force: true });
  }
}

function copyTo(path: string, { content, bytes }: ImportAction): PassOutput {
  return { path, decode: 'copy', digests: digestsOf(content), most: bytes };
}
