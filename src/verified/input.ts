/** The input of a command that reads splits: which splits are meant, what their files hold, and whether they are the manifest's. */
import { join } from 'node:path';
import { type OnEvent, PcamError } from '../core/index.js';
import { arrayOf, countPatches, locate, type MetaTable, readLabels, readMeta } from '../dataset/index.js';
import { requireReachable, statFile } from '../fs/index.js';
import { holds, Inventory } from '../inventory/index.js';
import {
  type Content,
  contentsOf,
  type DatasetFile,
  finalName,
  KINDS,
  type Kind,
  type Manifest,
  SPLITS,
  type SplitName,
} from '../manifest/index.js';
import { findNearby, layout, Receipts } from '../store/index.js';

export interface InputRequest {
  dir: string;
  manifest: Manifest;
  /** @default the splits whose images are in the folder */
  splits?: readonly SplitName[];
  /** Files that a split cannot do without, besides its images. */
  required?: readonly Kind[];
  /** Go without the images, too: the number of patches is that of the labels. @default false */
  imagesOptional?: boolean;
  signal?: AbortSignal;
  onEvent?: OnEvent;
}

/** A file that something was made from. */
export interface InputFile {
  readonly file: string;
  readonly split: SplitName;
  readonly kind: Kind;
  readonly md5: string;
}

/** Splits of a data set folder. Labels and meta CSV of a split are read once, when they are first asked for. */
export interface Input {
  readonly dir: string;
  readonly manifest: Manifest;
  /** In the order of the data set. */
  readonly splits: readonly SplitName[];
  /** The splits of the manifest that nobody asked for, and that are not in the folder. */
  readonly leftOut: readonly SplitName[];
  /** The files of these splits that are in the folder. */
  readonly files: readonly DatasetFile[];
  /** Number of patches, by the header of the images; of the labels where there are no images. */
  count(split: SplitName): Promise<number>;
  /** Shape (count), values 0 or 1; `null` where the file is not in the folder. */
  labels(split: SplitName): Promise<Uint8Array | null>;
  /** `null` where the file is not in the folder. */
  meta(split: SplitName): Promise<MetaTable | null>;
  /** Whether a file of this input is the manifest's, to the byte. It is read unless a receipt of it still holds. */
  matches(file: DatasetFile): Promise<boolean>;
  /**
   * Requires every file to match, or those that are chosen.
   * @throws PcamError NOT_VERIFIED
   */
  verify(chosen?: (file: DatasetFile) => boolean): Promise<InputFile[]>;
  /** @throws PcamError NOT_VERIFIED when a file has been touched since the input was opened */
  requireUnchanged(): Promise<void>;
}

/**
 * Opens the splits that are meant: those that are asked for, or those whose images are in the folder.
 * @throws PcamError USAGE when the manifest has no such split; MISSING when a required file is not in the folder
 */
export async function openInput(request: InputRequest): Promise<Input> {
  const { dir, manifest, signal, onEvent } = request;
  await requireReachable(dir);
  const { splits, leftOut } = chooseSplits(request);
  if (leftOut.length > 0) {
    const names = `${leftOut.join(' and ')} ${leftOut.length === 1 ? 'is' : 'are'}`;
    onEvent?.({ type: 'notice', message: `${names} not here: left out`, splits });
  }
  const files = await findFiles(request, splits);
  const before = await Promise.all(files.map((file) => identityOf(dir, file)));
  const has = (split: SplitName, kind: Kind) =>
    files.some((file) => file.split === split && file.kind === kind);
  const count: Input['count'] = oncePerSplit(async (split) =>
    has(split, 'images') ? countPatches({ dir, manifest, split }) : (await labels(split))!.length,
  );
  const labels: Input['labels'] = oncePerSplit(async (split) => {
    if (!has(split, 'labels')) return null;
    return readLabels({
      ...arrayOf({ dir, manifest, split, kind: 'labels' }),
      count: has(split, 'images') ? await count(split) : undefined,
    });
  });
  const meta: Input['meta'] = oncePerSplit(async (split) => {
    if (!has(split, 'meta')) return null;
    const { path } = locate({ dir, manifest, split, kind: 'meta' })!;
    return readMeta({ file: path, count: await count(split), signal });
  });
  const receipts = new Receipts(layout(dir));
  const inventory = new Inventory({ dir, manifest, receipts, signal, onEvent });
  return {
    ...{ dir, manifest, splits, leftOut, files, count, labels, meta },
    async matches(file) {
      const { final } = contentsOf(file);
      const found = await inventory.read(final);
      return found !== undefined && holds(found, final);
    },
    verify: (chosen = () => true) => verifyFiles(files.filter(chosen), inventory, dir),
    async requireUnchanged() {
      const after = await Promise.all(files.map((file) => identityOf(dir, file)));
      const changed = files.find((_, i) => after[i] !== before[i]);
      if (changed) throw changedMeanwhile(dir, changed);
    },
  };
}

async function verifyFiles(
  files: readonly DatasetFile[],
  inventory: Inventory,
  dir: string,
): Promise<InputFile[]> {
  const contents = files.map((file) => contentsOf(file).final);
  await inventory.readAll(contents);
  for (const content of contents) {
    const found = await inventory.read(content);
    if (!found) throw missing(dir, content.file);
    if (!holds(found, content)) throw notVerified(found.path, content, found.digests.md5);
  }
  return contents.map(({ name, md5, file: { split, kind } }) => ({ file: name, split, kind, md5 }));
}

function oncePerSplit<T>(read: (split: SplitName) => Promise<T>): (split: SplitName) => Promise<T> {
  const results = new Map<SplitName, Promise<T>>();
  return (split) => {
    const result = results.get(split) ?? read(split);
    results.set(split, result);
    return result;
  };
}

function chooseSplits({
  dir,
  manifest,
  splits: wanted = [],
}: InputRequest): Pick<Input, 'splits' | 'leftOut'> {
  const known = SPLITS.filter((split) => locate({ dir, manifest, split, kind: 'images' }));
  const unknown = wanted.find((split) => !known.includes(split));
  if (unknown !== undefined || known.length === 0) {
    const message = unknown ? `the manifest has no split ${unknown}` : 'the manifest has no images';
    throw new PcamError('USAGE', message, {
      hint: known.length > 0 ? `it has ${known.join(', ')}` : 'use another manifest',
      options: [...(unknown ? ['splits'] : []), 'manifest'],
    });
  }
  if (wanted.length > 0) return { splits: known.filter((split) => wanted.includes(split)), leftOut: [] };
  const present = known.filter((split) => locate({ dir, manifest, split, kind: 'images' })!.present);
  if (present.length === 0) throw noImages(dir, manifest);
  return { splits: present, leftOut: known.filter((split) => !present.includes(split)) };
}

async function findFiles(
  { dir, manifest, required = [], imagesOptional = false }: InputRequest,
  splits: readonly SplitName[],
): Promise<DatasetFile[]> {
  const files: DatasetFile[] = [];
  for (const split of splits) {
    for (const kind of KINDS) {
      const file = manifest.files.find((candidate) => candidate.split === split && candidate.kind === kind);
      if (file && (await statFile(join(dir, finalName(file))))) files.push(file);
      else if ((kind === 'images' && !imagesOptional) || (kind === 'labels' && required.includes(kind))) {
        arrayOf({ dir, manifest, split, kind }); // throws, as the file is not there
      }
    }
  }
  return files;
}

/** Changes whenever something writes to the file or replaces it. */
async function identityOf(dir: string, file: DatasetFile): Promise<string> {
  const stats = await statFile(join(dir, finalName(file)));
  return stats ? `${stats.size} ${stats.mtimeNs} ${stats.ctimeNs} ${stats.ino}` : 'gone';
}

/** Nothing to read at all. */
function noImages(dir: string, manifest: Manifest): PcamError {
  const near = findNearby(dir, manifest);
  return new PcamError('MISSING', `there are no images in ${dir}`, {
    hint:
      near === undefined
        ? 'fetch them first, or name the folder that they are in'
        : `they are in ${near === '.' ? 'the current folder (.)' : near}: name that folder`,
    options: ['dir'],
    next: near === undefined ? { command: 'download' } : undefined,
  });
}

function missing(dir: string, file: DatasetFile): PcamError {
  const path = join(dir, finalName(file));
  return new PcamError('MISSING', `the ${file.kind} of ${file.split} are missing: there is no ${path}`, {
    hint: 'fetch them first, or name the folder that they are in',
    options: ['dir'],
    next: { command: 'download', splits: [file.split] },
  });
}

function changedMeanwhile(dir: string, file: DatasetFile): PcamError {
  return new PcamError('NOT_VERIFIED', `${join(dir, finalName(file))} changed while it was read`, {
    hint: 'another process writes to it; verify it, then run the same command again',
    next: { command: 'verify', splits: [file.split] },
  });
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
