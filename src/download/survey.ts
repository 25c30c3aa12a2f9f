/** What is already there for each file: in the data set folder, in --from, whole, misnamed or in part. */
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { elementsOf, PcamError } from '../core/index.js';
import { statFile } from '../fs/index.js';
import { type Found, holds, Inventory } from '../inventory/index.js';
import { allContents, type Content, type DatasetFile } from '../manifest/index.js';
import { type Receipts, statPartials } from '../store/index.js';
import type { Settings } from './context.js';
import { archiveOf, wanted } from './target.js';

/** How a file will be obtained. */
export type Action =
  /** `stale`: an archive beside it whose bytes are wrong, and that is not needed. */
  | { kind: 'present'; bytes: number; stale?: string }
  /** Right bytes under another name in the data set folder. */
  | { kind: 'rename'; from: string; to: Content; found: Found }
  /** Right bytes on this machine: to be copied, or decompressed on the way. */
  | { kind: 'import'; path: string; content: Content; bytes: number; own: boolean }
  /** The first bytes of an archive, left by another tool; the rest is fetched. */
  | { kind: 'adopt'; path: string; bytes: number; own: boolean }
  | { kind: 'fetch' }
  /** Something that is not a file has its name, or what is there cannot be read. */
  | { kind: 'blocked'; error: PcamError };

/** True where bytes are to be written that are not yet in the folder. */
export function needsRoom(action: Action): boolean {
  return isFetched(action) || action.kind === 'import';
}

export function isFetched({ kind }: Action): boolean {
  return kind === 'fetch' || kind === 'adopt';
}

/** Endings that other tools give to what is not whole yet. */
const PARTIAL_ENDINGS = ['', '.part', '.partial', '.crdownload', '.download', '.opdownload', '.tmp'];

export interface Survey {
  readonly actions: ReadonlyMap<DatasetFile, Action>;
  /** Names of the data set folder whose files the actions want under other names. */
  readonly misplaced: readonly string[];
}

/**
 * Looks at the disk alone, and changes nothing but receipts.
 * @param options.record keep the digests of what was read
 */
export async function survey(
  settings: Settings,
  receipts: Receipts,
  { record }: { record: boolean },
): Promise<Survey> {
  const { files, force, manifest, signal, emit } = settings;
  if (force) return { actions: new Map(files.map((file) => [file, { kind: 'fetch' }])), misplaced: [] };
  const inventory = new Inventory({
    dir: settings.paths.dir,
    manifest,
    receipts,
    record,
    signal,
    onEvent: emit,
  });
  const actions = new Map<DatasetFile, Action>();
  const note = async (file: DatasetFile, action: Promise<Action | undefined>) => {
    const known = await action.catch(blocked);
    if (known) actions.set(file, known);
  };
  // What is in its place is read first, several files at a time: it need not be looked for elsewhere.
  await Promise.all(files.map((file) => note(file, present(settings, inventory, file))));
  for (const file of files) if (!actions.has(file)) await note(file, locate(settings, inventory, file));
  const renames = [...actions.values()].filter((action) => action.kind === 'rename');
  return { actions, misplaced: renames.map(({ from }) => from) };
}

/** An obstacle for one file is no reason to skip the others. */
function blocked(error: unknown): Action {
  if (!(error instanceof PcamError) || error.exitCode >= 128) throw error;
  return { kind: 'blocked', error };
}

async function present(
  settings: Settings,
  inventory: Inventory,
  file: DatasetFile,
): Promise<Action | undefined> {
  const content = wanted(file, settings.extract);
  const found = await inventory.read(content);
  if (!found || !holds(found, content)) return undefined;
  const archive = settings.extract ? archiveOf(file) : undefined;
  const beside = archive && (await inventory.read(archive));
  const stale = beside && !holds(beside, archive) ? beside.path : undefined;
  // An archive that is to be kept has to be right as well.
  return stale !== undefined && settings.keepArchives
    ? undefined
    : { kind: 'present', bytes: found.bytes, stale };
}

async function locate(settings: Settings, inventory: Inventory, file: DatasetFile): Promise<Action> {
  const content = wanted(file, settings.extract);
  const misnamed = await findMisnamed(settings, inventory, content);
  if (misnamed) return { kind: 'rename', ...misnamed, to: content };
  // The archive is no help where the file is its own archive, or the archive itself is what is wanted.
  const archive = settings.extract ? archiveOf(file) : undefined;
  for (const candidate of await findCandidates(settings, content, archive)) {
    const { path, bytes, own } = candidate;
    for (const one of archive ? [content, archive] : [content]) {
      if (!mayHold(candidate, one)) continue;
      const found = await inventory.read({ ...one, name: basename(path) }, dirname(path));
      if (found && holds(found, one)) return { kind: 'import', path, content: one, bytes, own };
    }
  }
  return (await findBeginning(settings, file)) ?? { kind: 'fetch' };
}

/** A file on this machine that may hold what is wanted. */
interface Candidate {
  readonly path: string;
  readonly bytes: number;
  /** It lies in the data set folder. */
  readonly own: boolean;
}

/** The archive in the data set folder, and the files of --from that have a name of the manifest. */
async function findCandidates(
  { paths, from }: Settings,
  content: Content,
  archive: Content | undefined,
): Promise<Candidate[]> {
  const places: { path: string; own: boolean }[] = [];
  if (archive) places.push({ path: paths.final(archive.name), own: true });
  if (from !== undefined) {
    places.push({ path: join(from, content.name), own: false });
    if (archive) places.push({ path: join(from, archive.name), own: false });
  }
  const candidates: Candidate[] = [];
  for (const place of places) {
    const stats = await statFile(place.path);
    if (stats) candidates.push({ ...place, bytes: Number(stats.size) });
  }
  return candidates;
}

/** Only files of the right size are worth the reading; where the size is not known, the name decides. */
function mayHold({ path, bytes }: Candidate, content: Content): boolean {
  return content.bytes === undefined ? basename(path) === content.name : bytes === content.bytes;
}

/** An archive that is shorter than it should be may be the beginning of the right one. */
async function findBeginning({ paths, from }: Settings, file: DatasetFile): Promise<Action | undefined> {
  if (file.bytes === undefined) return undefined;
  if ((await statPartials(paths.partial, file)).begun) return undefined;
  for (const folder of from === undefined ? [paths.dir] : [paths.dir, from]) {
    for (const ending of PARTIAL_ENDINGS) {
      const path = join(folder, file.name + ending);
      const stats = await statFile(path).catch(() => undefined);
      // aria2 writes from many places at once; while its control file is there, the beginning proves nothing.
      if (!stats || (await statFile(`${path}.aria2`).catch(() => undefined))) continue;
      const bytes = Number(stats.size);
      if (bytes > 0 && bytes < file.bytes) return { kind: 'adopt', path, bytes, own: folder === paths.dir };
    }
  }
  return undefined;
}

/** The name under which the wanted bytes lie in the data set folder, where that is another file's name. */
async function findMisnamed(
  { paths, manifest }: Settings,
  inventory: Inventory,
  content: Content,
): Promise<{ from: string; found: Found } | undefined> {
  for (const other of allContents(manifest)) {
    if (other.name === content.name) continue;
    const stats = await statFile(paths.final(other.name)).catch(() => undefined);
    if (!stats || !isPlausible(Number(stats.size), content, other)) continue;
    const found = await inventory.read({ ...other, sha256: other.sha256 ?? content.sha256 });
    if (found && holds(found, content) && !holds(found, other)) return { from: other.name, found };
  }
  return undefined;
}

/** Only a size or shape that speaks for a swap is worth the reading: gigabytes may lie under the other names. */
function isPlausible(bytes: number, content: Content, other: Content): boolean {
  if (content.bytes !== undefined) return bytes === content.bytes;
  const elements = ({ file }: Content) => file.array && elementsOf(file.array.shape);
  return (
    content.file.kind === other.file.kind &&
    content.form === other.form &&
    elements(content) === elements(other)
  );
}

export async function requireFolder(path: string): Promise<void> {
  try {
    await readdir(path);
  } catch (cause) {
    throw new PcamError('USAGE', `there is no folder ${path} to import from, or it cannot be read`, {
      cause,
      options: ['from'],
    });
  }
}
