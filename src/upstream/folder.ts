/** The folder of a data set that pcam makes, a subset or a fixture: what it may replace, its files, and its manifest. */
import { createReadStream, existsSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  fsError,
  type OnEvent,
  PATCH_BYTES,
  PcamError,
  TaskReporter,
  throwIfAborted,
} from '../core/index.js';
import { makeFolder, type RunFolder, readSmallFile, requireNoLinks, withLock } from '../fs/index.js';
import { KINDS, type Manifest, parseManifest, SPLITS } from '../manifest/index.js';
import { manifestEntry, type SplitContent, servedName, upstreamFiles, upstreamName } from './files.js';
import { type TemporaryFile, writeTemporary } from './temporary-file.js';

const MANIFEST_NAME = 'manifest.json';
const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;
/** Holds the lock and the temporary files while the folder is written. */
const STATE = '.pcam';

/** All names that a file of the data set can have. */
const NAMES = SPLITS.flatMap((split) =>
  KINDS.flatMap((kind) => {
    const name = upstreamName(split, kind);
    return kind === 'meta' ? [name] : [name, servedName({ name, gzip: true })];
  }),
);

export interface MadeFolder {
  readonly path: string;
  readonly command: 'subset' | 'fixture';
  /** Whether a manifest is one of this command. */
  isOwn(manifest: Manifest): boolean;
  /** Replace what the command has made here with other options. @default false */
  force?: boolean;
}

/** The options and input that decide the content; the manifest keeps them under the name of the command. */
export type FolderRecipe = Readonly<Record<string, unknown>>;

/** A file that is written under a temporary name. */
export interface WrittenFile {
  readonly name: string;
  /** Number of patches that the file is about. */
  readonly patches: number;
  readonly file: TemporaryFile;
  /** What the manifest says of it; absent where the entry of its archive says it. */
  readonly entry?: object;
}

/**
 * Writes a data set as the only run in its folder, which is made when it is not there.
 * @throws PcamError as `requireReplaceable`; LOCKED, NOT_A_FOLDER, NO_PERMISSION
 */
export async function withMadeFolder<T>(
  folder: MadeFolder,
  { recipe, signal }: { recipe: FolderRecipe; signal: AbortSignal | undefined },
  work: (workspace: RunFolder) => Promise<T>,
): Promise<T> {
  const { path, command } = folder;
  try {
    await makeFolder(path);
  } catch (error) {
    throw fsError(error, `making the directory ${path}`);
  }
  const state = join(path, STATE);
  const place = { path: join(state, `${command}.lock`), temporaries: join(state, command) };
  try {
    return await withLock({ ...place, command, signal }, async (workspace) => {
      await requireReplaceable(folder, recipe);
      return work(workspace);
    });
  } finally {
    for (const empty of [place.temporaries, state]) await rmdir(empty).catch(() => {});
  }
}

/**
 * Real data sets have the very same names, so names are only taken from an earlier run of the command; and from one with
 * other options only by force.
 * @param recipe what is going to be made; absent while that is not known
 * @throws PcamError USAGE, OUTPUT_MISMATCH
 */
export async function requireReplaceable(folder: MadeFolder, recipe?: FolderRecipe): Promise<void> {
  const { path, command, isOwn, force = false } = folder;
  const taken = [MANIFEST_NAME, ...NAMES].find((name) => existsSync(join(path, name)));
  if (taken === undefined) return;
  const earlier = await readEarlier(path);
  if (!earlier || !isOwn(earlier.manifest)) {
    throw new PcamError(
      'USAGE',
      `${join(path, taken)} is there already, and not from a ${command}; nothing was written`,
      { hint: `choose a new folder for the ${command}` },
    );
  }
  if (force || recipe === undefined) return;
  const made = (earlier.json[command] ?? {}) as FolderRecipe;
  const other = [...new Set([...Object.keys(recipe), ...Object.keys(made)])].filter(
    (key) => !isDeepStrictEqual(made[key], recipe[key]),
  );
  if (other.length === 0) return;
  throw new PcamError(
    'OUTPUT_MISMATCH',
    `${path} holds another ${command}: not the same ${other.join(', ')}`,
    { hint: `choose another folder, or replace this ${command}`, options: ['force'] },
  );
}

async function readEarlier(path: string) {
  try {
    const file = join(path, MANIFEST_NAME);
    const json = JSON.parse(await readSmallFile(file, { maxBytes: MAX_MANIFEST_BYTES })) as FolderRecipe;
    return { json, manifest: parseManifest(json, { path: file }) };
  } catch {
    return undefined;
  }
}

/**
 * Writes the files of a split under temporary names.
 * @param options.archives whether images and labels are written compressed, as they are, or both
 * @param options.fields further fields of the manifest entry of a file, by the name under which it is served
 */
export async function writeSplit(options: {
  content: SplitContent;
  step: 'draw' | 'export';
  archives: 'only' | 'none' | 'both';
  fields?: (name: string) => object;
  workspace: RunFolder;
  onEvent: OnEvent | undefined;
}): Promise<WrittenFile[]> {
  const { content, step, archives, fields, workspace, onEvent } = options;
  const { split, count: patches } = content;
  const { signal } = workspace;
  const written: WrittenFile[] = [];
  const task = new TaskReporter({ task: split, step, unit: 'patches', done: 0, total: patches }, onEvent);
  let whole = false;
  try {
    const images = withProgress(content.images, { task, signal });
    for (const upstream of upstreamFiles({ ...content, images })) {
      const { name } = upstream;
      const archive = servedName(upstream);
      const packs = upstream.gzip && archives !== 'none';
      let file: TemporaryFile | undefined;
      if (!packs || archives === 'both') {
        file = await writeTemporary({ ...upstream, gzip: false, temporary: workspace.path(name), signal });
        const entry = manifestEntry({ upstream: { ...upstream, gzip: false }, file, fields });
        written.push({ name, patches, file, ...(!packs && { entry }) });
      }
      if (packs) {
        const source = file ? createReadStream(file.temporary, { highWaterMark: 1 << 20 }) : upstream.content;
        const temporary = workspace.path(archive);
        const packed = await writeTemporary({ content: source, gzip: true, temporary, signal });
        const entry = manifestEntry({ upstream, file: packed, fields });
        written.push({ name: archive, patches, file: packed, entry });
      }
    }
    whole = true;
  } finally {
    task.end({ outcome: whole ? 'done' : 'failed' });
  }
  return written;
}

function* withProgress(
  images: Iterable<Uint8Array>,
  { task, signal }: { task: TaskReporter; signal: AbortSignal },
): Generator<Uint8Array, void, void> {
  let bytes = 0;
  for (const pixels of images) {
    throwIfAborted(signal);
    bytes += pixels.length;
    task.progress({ done: bytes / PATCH_BYTES });
    yield pixels;
  }
}

/**
 * Gives the files their names. The manifest comes first: it marks the folder as pcam's, so that a run which is killed
 * between two names can be repeated.
 * @param options.head the manifest without recipe, files and sources: its only source is the folder
 * @param options.obsolete remove files of the data set that this run has not written: they would pass for a part of it
 * @returns path of the manifest
 */
export async function publish(options: {
  folder: MadeFolder;
  workspace: RunFolder;
  recipe: FolderRecipe;
  head: object;
  written: readonly WrittenFile[];
  obsolete: 'remove' | 'keep';
}): Promise<string> {
  const { folder, workspace, recipe, head, written, obsolete } = options;
  const { path, command } = folder;
  const manifest = {
    schemaVersion: 1,
    ...head,
    sources: { folder: { type: 'file', baseUrl: '.' } },
    files: written.flatMap(({ entry }) => entry ?? []),
    [command]: recipe,
  };
  const manifestPath = join(path, MANIFEST_NAME);
  try {
    await requireNoLinks(path, [MANIFEST_NAME, ...NAMES]);
    await workspace.write(manifestPath, `${JSON.stringify(manifest, null, 2)}\n`);
    const names = new Set(written.map(({ name }) => name));
    const others = obsolete === 'remove' ? NAMES.filter((name) => !names.has(name)) : [];
    for (const name of others) await workspace.remove(join(path, name));
    for (const { name, file } of written) {
      await workspace.commit(file.temporary, join(path, name), { digested: file.identity });
    }
  } catch (error) {
    throw fsError(error, `writing to ${path}`);
  }
  return manifestPath;
}
