/** What is already there for each file: in the data set folder, in --from, whole, misnamed or in part. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { elementsOf, PcamError } from '../core/index.js';
import { statFile } from '../fs/index.js';
import { type Found, holds, Inventory } from '../inventory/index.js';
import { allContents, type Content, type DatasetFile } from '../manifest/index.js';
import type { Run } from './run.js';
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
export function needsRoom({ kind }: Action): boolean {
  return kind === 'fetch' || kind === 'adopt' || kind === 'import';
}

/** Endings that other tools give to what is not whole yet. */
const PARTIAL_ENDINGS = ['', '.part', '.partial', '.crdownload', '.download', '.opdownload', '.tmp'];

export interface Survey {
  readonly actions: ReadonlyMap<DatasetFile, Action>;
  /** Names of the data set folder whose files the actions want under other names. */
  readonly misplaced: string[];
}

/** Looks at the disk alone, and changes nothing. */
export async function survey(run: Run, files: readonly DatasetFile[]): Promise<Survey> {
  if (run.force) return { actions: new Map(files.map((file) => [file, { kind: 'fetch' }])), misplaced: [] };
  const { paths, manifest, receipts, dryRun, signal, emit } = run;
  const inventory = new Inventory({
    dir: paths.dir,
    manifest,
    receipts,
    record: !dryRun,
    signal,
    onEvent: emit,
  });
  const actions = await chooseActions(run, inventory, files);
  const misplaced = [...actions.values()].flatMap((action) =>
    action.kind === 'rename' ? [action.from] : [],
  );
  return { actions, misplaced };
}

async function chooseActions(
  run: Run,
  inventory: Inventory,
  files: readonly DatasetFile[],
): Promise<Map<DatasetFile, Action>> {
  const actions = new Map<DatasetFile, Action>();
  const present = async (file: DatasetFile) => {
    const content = wanted(file, run.extract);
    const found = await inventory.read(content);
    if (!found || !holds(found, content)) return;
    const stale = await staleArchive(run, inventory, file);
    // An archive that is to be kept has to be right as well.
    if (stale === undefined || !run.keepArchives)
      actions.set(file, { kind: 'present', bytes: found.bytes, stale });
  };
  await Promise.all(files.map((file) => unlessBlocked(actions, file, present(file))));
  for (const file of files) {
    if (actions.has(file)) continue;
    await unlessBlocked(
      actions,
      file,
      locate(run, inventory, file).then((action) => actions.set(file, action)),
    );
  }
  return actions;
}

async function staleArchive(run: Run, inventory: Inventory, file: DatasetFile): Promise<string | undefined> {
  const archive = run.extract ? archiveOf(file) : undefined;
  const found = archive && (await inventory.read(archive));
  return found && !holds(found, archive) ? found.path : undefined;
}

/** An obstacle for one file is no reason to skip the others. */
async function unlessBlocked(
  actions: Map<DatasetFile, Action>,
  file: DatasetFile,
  look: Promise<unknown>,
): Promise<void> {
  try {
    await look;
  } catch (error) {
    if (!(error instanceof PcamError) || error.exitCode >= 128) throw error;
    actions.set(file, { kind: 'blocked', error });
  }
}

async function locate(run: Run, inventory: Inventory, file: DatasetFile): Promise<Action> {
  const content = wanted(file, run.extract);
  const there = await misnamed(run, inventory, content);
  if (there) return { kind: 'rename', ...there, to: content };
  // The archive is no help where the final file is its own archive, or the archive itself is what is wanted.
  const archive = run.extract ? archiveOf(file) : undefined;
  const places = [
    archive && { folder: run.paths.dir, content: archive, own: true },
    run.from !== undefined && { folder: run.from, content, own: false },
    run.from !== undefined && archive && { folder: run.from, content: archive, own: false },
  ].filter((place) => !!place);
  for (const place of places) {
    const found = await inventory.read(place.content, place.folder);
    if (found && holds(found, place.content)) {
      return { kind: 'import', path: found.path, content: place.content, bytes: found.bytes, own: place.own };
    }
  }
  return (await findPartial(run, file)) ?? { kind: 'fetch' };
}

/** An archive that is shorter than it should be may be the beginning of the right one. */
async function findPartial(run: Run, file: DatasetFile): Promise<Action | undefined> {
  if (file.bytes === undefined) return undefined;
  if (await statFile(run.paths.part(file.name)).catch(() => undefined)) return undefined;
  for (const folder of [run.paths.dir, run.from]) {
    if (folder === undefined) continue;
    for (const ending of PARTIAL_ENDINGS) {
      const path = join(folder, file.name + ending);
      const stats = await statFile(path).catch(() => undefined);
      // aria2 writes from many places at once; while its control file is there, the beginning proves nothing.
      if (!stats || (await statFile(`${path}.aria2`).catch(() => undefined))) continue;
      const bytes = Number(stats.size);
      if (bytes > 0 && bytes < file.bytes)
        return { kind: 'adopt', path, bytes, own: folder === run.paths.dir };
    }
  }
  return undefined;
}

/** The name under which the wanted bytes lie in the data set folder, where that is another file's name. */
async function misnamed(
  run: Run,
  inventory: Inventory,
  content: Content,
): Promise<{ from: string; found: Found } | undefined> {
  const { paths, manifest } = run;
  for (const other of allContents(manifest)) {
    if (other.name === content.name) continue;
    const stats = await statFile(paths.final(other.name)).catch(() => undefined);
    if (!stats || !plausible(Number(stats.size), content, other)) continue;
    const found = await inventory.read({ ...other, sha256: other.sha256 ?? content.sha256 });
    if (found && holds(found, content) && !holds(found, other)) return { from: other.name, found };
  }
  return undefined;
}

/** Only a size or shape that speaks for a swap is worth the reading: gigabytes may lie under the other names. */
function plausible(bytes: number, content: Content, other: Content): boolean {
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
