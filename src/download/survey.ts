/** What is already there for each file: in the data set folder, in --from, whole, misnamed or in part. */
import { count, elementsOf, PcamError } from '../core/index.js';
import { statFile } from '../fs/index.js';
import { type Found, holds, Inventory } from '../inventory/index.js';
import { allContents, type Content, type DatasetFile } from '../manifest/index.js';
import type { Receipts } from '../store/index.js';
import type { Settings } from './context.js';
import type { LocalFile } from './places.js';
import { explain, findBeginning, findWhole, openSearch, type Search } from './search.js';
import { archiveOf, wanted } from './target.js';

/** How a file will be obtained. */
export type Action =
  /** `stale`: an archive beside it whose bytes are wrong, and that is not needed. */
  | { kind: 'present'; bytes: number; stale?: string }
  /** Right bytes under another name in the data set folder. */
  | { kind: 'rename'; from: string; to: Content; found: Found }
  /** Right bytes on this machine: to be copied, or decompressed on the way. */
  | ({ kind: 'import'; content: Content } & LocalFile)
  /** The first bytes of an archive, left by another tool; the rest is fetched. */
  | ({ kind: 'adopt' } & LocalFile & NotTaken)
  | ({ kind: 'fetch' } & NotTaken)
  /** Something that is not a file has its name, or what is there cannot be read. */
  | { kind: 'blocked'; error: PcamError };

interface NotTaken {
  /** Why files that look like this one were not taken over, one sentence each. */
  readonly notTaken?: readonly string[];
}

/** True where bytes are to be written that are not yet in the folder. */
export function needsRoom(action: Action): boolean {
  return isFetched(action) || action.kind === 'import';
}

export function isFetched({ kind }: Action): boolean {
  return kind === 'fetch' || kind === 'adopt';
}

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
  const search = await openSearch(settings, inventory, actions.size < files.length);
  for (const file of files) if (!actions.has(file)) await note(file, locate(search, file));
  report(search, actions);
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

async function locate(search: Search, file: DatasetFile): Promise<Action> {
  const { settings, inventory } = search;
  const content = wanted(file, settings.extract);
  const misnamed = await findMisnamed(settings, inventory, content);
  if (misnamed) return { kind: 'rename', ...misnamed, to: content };
  const whole = await findWhole(search, file);
  if (whole) return { kind: 'import', ...whole.local, content: whole.content };
  const beginning = await findBeginning(search, file);
  const notTaken = await explain(search, file, beginning);
  return beginning ? { kind: 'adopt', ...beginning, notTaken } : { kind: 'fetch', notTaken };
}

/** Says which places were looked at in vain, and which files were not taken from the others. */
function report({ settings, places }: Search, actions: ReadonlyMap<DatasetFile, Action>): void {
  const { emit } = settings;
  for (const [file, action] of actions) {
    if (action.kind !== 'fetch' && action.kind !== 'adopt') continue;
    for (const sentence of action.notTaken ?? [])
      emit({ type: 'notice', file: file.name, message: `not taken: ${sentence}` });
  }
  const taken = new Set([...actions.values()].map((action) => ('path' in action ? action.path : undefined)));
  for (const { path, files, problems } of places) {
    for (const problem of problems) emit({ type: 'notice', message: `not looked at: ${problem}` });
    if (files.some((local) => taken.has(local.path))) continue;
    const what = files.length === 1 ? 'the one file' : `the ${count(files.length, 'file')}`;
    emit({
      type: 'notice',
      message: `nothing was taken from ${path}: none of ${what} there is what is missing`,
    });
  }
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
