/** The input of what is made from a data set: it has to be the data set's own, to the byte. */
import { join } from 'node:path';
import { type OnEvent, PcamError } from '../core/index.js';
import { requireReachable, statFile } from '../fs/index.js';
import { holds, Inventory } from '../inventory/index.js';
import {
  type Content,
  contentsOf,
  type DatasetFile,
  finalName,
  type Kind,
  type Manifest,
  type SplitName,
} from '../manifest/index.js';
import { layout, Receipts } from '../store/index.js';

/**
 * The MD5 of each of `files` (entries of the manifest) in `dir` by final name, once it is known to be the
 * manifest's.
 * @throws PcamError MISSING or NOT_VERIFIED
 */
export type InputDigests = (request: {
  dir: string;
  manifest: Manifest;
  files: readonly DatasetFile[];
  signal?: AbortSignal;
  onEvent?: OnEvent;
}) => Promise<ReadonlyMap<string, string>>;

/** Reads every file that has no receipt of an earlier verification which still holds. */
export const verifiedDigests: InputDigests = async ({ dir, manifest, files, signal, onEvent }) => {
  const receipts = await Receipts.load(layout(dir).receipts);
  const inventory = new Inventory({ dir, manifest, receipts, signal, onEvent });
  const contents = files.map((file) => contentsOf(file).final);
  await inventory.readAll(contents);
  for (const content of contents) {
    const found = await inventory.read(content);
    if (!found) throw missing(dir, content.file);
    if (!holds(found, content)) throw notVerified(found.path, content, found.digests.md5);
  }
  return new Map(contents.map(({ name, md5 }) => [name, md5]));
};

/** The files of some splits. Meta files may be missing, images and labels may not. */
export async function inputFiles({
  dir,
  manifest,
  splits,
}: {
  dir: string;
  manifest: Manifest;
  splits: readonly SplitName[];
}): Promise<DatasetFile[]> {
  await requireReachable(dir);
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

/** What something was made from. */
export interface InputFile {
  readonly file: string;
  readonly split: SplitName;
  readonly kind: Kind;
  readonly md5: string;
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

/** The same for all files of some splits that are there, whatever they are. */
export async function watchSplits(options: {
  dir: string;
  manifest: Manifest;
  splits: readonly SplitName[];
}): Promise<() => Promise<void>> {
  const { dir, manifest, splits } = options;
  const files = manifest.files.filter(({ split }) => splits.includes(split));
  const there = await Promise.all(files.map((file) => statFile(join(dir, finalName(file)))));
  return watchInputs(
    dir,
    files.filter((_, i) => there[i]),
  );
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
      throw new PcamError('NOT_VERIFIED', `${join(dir, finalName(file))} changed while it was read`, {
        hint: 'another process writes to it; verify it, then run the same command again',
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

function notVerified(path: string, content: Content, found: string | undefined): PcamError {
  const { file, md5: expected } = content;
  return new PcamError(
    'NOT_VERIFIED',
    `${path} is not the ${file.kind} of ${file.split}: its MD5 is ${found}, the manifest says ${expected}`,
    {
      hint: 'nothing was written; fetch it again',
      next: { command: 'download', splits: [file.split], kinds: [file.kind] },
      expected: `MD5 ${expected}`,
      found: `MD5 ${found}`,
    },
  );
}
