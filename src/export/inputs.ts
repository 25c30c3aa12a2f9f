/** The input of an export: it has to be the data set's own, to the byte. */
import { join } from 'node:path';
import { PcamError } from '../core/index.js';
import { statFile } from '../fs/index.js';
import { contentsOf, holds, readFound } from '../inventory/index.js';
import { type DatasetFile, finalName, type Manifest, type SplitName } from '../manifest/index.js';
import { layout, Receipts } from '../store/index.js';
import type { InputFile } from './output/index.js';
import type { InputDigests } from './types.js';

/** Reads every file that has no receipt of an earlier verification which still holds. */
export const verifiedDigests: InputDigests = async ({
  dir,
  files,
  signal = new AbortController().signal,
  onEvent,
}) => {
  const receipts = await Receipts.load(layout(dir).receipts);
  const digests = new Map<string, string>();
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  let failure: unknown;
  const verify = async (file: DatasetFile) => {
    const content = contentsOf(file)[0]!;
    const found = await readFound(dir, content, { receipts, signal: both, onEvent });
    if (!found) throw missing(dir, file);
    if (!holds(found, content)) throw notVerified(found.path, file, found.digests.md5);
    digests.set(content.name, content.md5);
  };
  // Two at a time: the second core is idle otherwise, and more would only make one disk seek.
  const queue = [...files];
  const next = async (): Promise<void> => {
    for (let file = queue.shift(); file; file = queue.shift()) await verify(file);
  };
  const fail = (error: unknown) => {
    failure ??= error;
    queue.length = 0;
    stop.abort();
  };
  // Both have ended when this does: nothing is read, and no receipt written, behind the caller's back.
  await Promise.all([next().catch(fail), next().catch(fail)]);
  if (failure !== undefined) throw failure;
  return digests;
};

/** The files of the splits that an export reads. Meta files may be missing, images and labels may not. */
export async function inputFiles({
  dir,
  manifest,
  splits,
}: {
  dir: string;
  manifest: Manifest;
  splits: readonly SplitName[];
}): Promise<DatasetFile[]> {
  const files: DatasetFile[] = [];
  for (const split of splits) {
    for (const kind of ['images', 'labels', 'meta'] as const) {
      const file = manifest.files.find((candidate) => candidate.split === split && candidate.kind === kind);
      if (file && (await statFile(join(dir, finalName(file))))) files.push(file);
      else if (file && kind !== 'meta') throw missing(dir, file);
    }
  }
  return files;
}

export function describeInputs(
  files: readonly DatasetFile[],
  digests: ReadonlyMap<string, string>,
): InputFile[] {
  return files.map((file) => {
    const name = finalName(file);
    return { file: name, split: file.split, kind: file.kind, md5: digests.get(name)! };
  });
}

/** Looks at the input now; the answer says whether something has touched it since. */
export async function watchInputs(dir: string, files: readonly DatasetFile[]): Promise<() => Promise<void>> {
  const look = async (file: DatasetFile) => {
    const stats = await statFile(join(dir, finalName(file)));
    return stats ? `${stats.size} ${stats.mtimeNs} ${stats.ctimeNs} ${stats.ino}` : 'gone';
  };
  const before = await Promise.all(files.map(look));
  return async () => {
    for (const [i, file] of files.entries()) {
      if ((await look(file)) === before[i]) continue;
      throw new PcamError('NOT_VERIFIED', `${join(dir, finalName(file))} changed while it was exported`, {
        hint: 'another process writes to it; verify it, then export again',
        next: { command: 'verify', splits: [file.split] },
      });
    }
  };
}

function missing(dir: string, file: DatasetFile): PcamError {
  return new PcamError(
    'MISSING',
    `the ${file.kind} of ${file.split} are missing: there is no ${join(dir, finalName(file))}`,
    {
      hint: 'fetch them first, or name the folder that they are in',
      options: ['dir'],
      next: { command: 'download', splits: [file.split] },
    },
  );
}

function notVerified(path: string, file: DatasetFile, found: string | undefined): PcamError {
  const expected = contentsOf(file)[0]!.md5;
  return new PcamError(
    'NOT_VERIFIED',
    `${path} is not the ${file.kind} of ${file.split}: its MD5 is ${found}, the manifest says ${expected}`,
    {
      hint: 'nothing was exported; fetch it again',
      next: { command: 'download', splits: [file.split], kinds: [file.kind] },
      expected: `MD5 ${expected}`,
      found: `MD5 ${found}`,
    },
  );
}
