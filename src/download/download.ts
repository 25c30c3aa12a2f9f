/** `download`: from a manifest to verified files in the data set folder. */
import { setMaxListeners } from 'node:events';
import { readdir, rm } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import pLimit from 'p-limit';
import {
  abortError,
  type Clock,
  DEFAULTS,
  factsOf,
  fsError,
  LIMITS,
  PcamError,
  requireWithin,
  systemClock,
  throwIfAborted,
} from '../core/index.js';
import { missingFolders, removeIfEmpty } from '../fs/index.js';
import { Inventory, renameMisplaced } from '../inventory/index.js';
import { type DatasetFile, manifestText, resolveManifest, selectFiles } from '../manifest/index.js';
import { HttpClient } from '../net/index.js';
import { chooseSources, openSource, requireReachable } from '../sources/index.js';
import {
  type Layout,
  layout,
  type OwnedLayout,
  Receipts,
  removePartials,
  takeOverOldPartial,
  withDataFolder,
} from '../store/index.js';
import { rateLimit, SourcePool, UNLIMITED } from '../transfer/index.js';
import type { Session, Settings } from './context.js';
import { downloadFile } from './file.js';
import type { DownloadedFile, DownloadOptions, DownloadResult } from './options.js';
import { requirePlaces } from './places.js';
import { findRoom, needsOf, type RoomPlan } from './room.js';
import { type Action, isFetched, needsRoom, survey } from './survey.js';
import { wanted } from './target.js';

/** What tests replace. */
export interface Internals {
  clock?: Clock;
}

/**
 * Brings the chosen files into the data set folder, each verified before it gets its name. What is there and right
 * is not fetched again; what was interrupted is resumed.
 *
 * A file that could not be fetched is in the result with `status: 'failed'`; the others are fetched all the same.
 * @throws PcamError USAGE, BAD_MANIFEST, LOCKED, DISK_FULL, NO_PERMISSION, … when nothing could be begun, and
 *   ABORTED when `signal` was
 */
export async function download(
  options: DownloadOptions = {},
  { clock = systemClock }: Internals = {},
): Promise<DownloadResult> {
  const manifest = await resolveManifest(options.manifest, options.dir ?? DEFAULTS.dir);
  const sources = chooseSources({ manifest, only: options.sources, mirrors: options.mirrors });
  const files = selectFiles(manifest, options);
  checkNumbers(options);
  const from = [options.from ?? []].flat();
  await requirePlaces(from);
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const onAbort = () => stop.abort(options.signal?.reason);
  options.signal?.addEventListener('abort', onAbort, { once: true });
  if (options.signal?.aborted) onAbort();
  const client = new HttpClient({ ...options, clock });
  const emit: Settings['emit'] = (event) => options.onEvent?.(event);
  const { zenodoToken, gdriveCookies } = options;
  const pool = new SourcePool({
    sources: sources.map((config) => openSource(config, { client, zenodoToken, gdriveCookies })),
    connections: options.connections ?? DEFAULTS.connections,
    clock,
    pauses: options.pauses ?? options.rests,
    onEvent: emit,
  });
  const settings: Settings = {
    manifest,
    files,
    paths: layout(options.dir ?? DEFAULTS.dir),
    from,
    keepArchives: options.keepArchives ?? false,
    extract: options.extract ?? true,
    force: options.force ?? false,
    stream: options.stream ?? false,
    jobs: options.jobs ?? DEFAULTS.jobs,
    pool,
    requireReachable: () => requireReachable(sources, client),
    limit: options.limitRate === undefined ? UNLIMITED : rateLimit(options.limitRate, clock),
    clock,
    signal: stop.signal,
    emit,
  };
  try {
    return options.dryRun ? await describe(settings) : await fetchMissing(settings);
  } catch (error) {
    throw stop.signal.aborted ? abortError(stop.signal) : error;
  } finally {
    options.signal?.removeEventListener('abort', onAbort);
    stop.abort();
    pool.close();
    await client.close();
  }
}

function checkNumbers({ connections, jobs, limitRate }: DownloadOptions): void {
  if (connections !== undefined) requireWithin('connections', connections, LIMITS.connections);
  if (jobs !== undefined) requireWithin('jobs', jobs, LIMITS.jobs);
  if (limitRate !== undefined && !(limitRate > 0)) {
    throw new PcamError('USAGE', `limitRate must be more than 0 bytes per second, not ${limitRate}`);
  }
}

async function fetchMissing(settings: Settings): Promise<DownloadResult> {
  const { paths, signal, clock } = settings;
  const made = await missingFolders(paths.dir);
  const lock = { dir: paths.dir, command: 'download', signal, clock };
  let folderInUse = false;
  try {
    const result = await withDataFolder(lock, (owned) => fetchFiles(settings, owned));
    folderInUse = result.ok;
    return result;
  } catch (error) {
    folderInUse = error instanceof PcamError && error.code === 'LOCKED';
    // A disk that is full or read-only does no harm where nothing has to be written.
    const present = isUnwritable(error) && !signal.aborted ? await ifAllPresent(settings) : undefined;
    if (!present) throw error;
    return present;
  } finally {
    // A run that fetches nothing leaves no empty folder behind that it made.
    if (!folderInUse) await removeTraces(paths, made);
  }
}

/** The run proper: survey, room, files. */
async function fetchFiles(settings: Settings, paths: OwnedLayout): Promise<DownloadResult> {
  const receipts = new Receipts(paths, paths.run);
  const session: Session = { ...settings, paths, receipts, signal: paths.run.signal };
  setMaxListeners(0, session.signal);
  await rename(session, []);
  await keepManifest(session);
  for (const file of settings.files) await takeOverOldPartial(file, paths);

  const { actions, misplaced } = await survey(session, receipts, { record: true });
  requireWay(session, actions);
  const plan = await findRoom(settings, await needsOf(settings, actions));
  if (plan.notice !== undefined) settings.emit({ type: 'notice', message: plan.notice });
  if (settings.force) for (const file of settings.files) await removePartials(paths.partial, file, paths.run);
  await rename(session, misplaced);
  return await bringAll(session, actions, plan);
}

async function removeTraces(paths: Layout, made: readonly string[]): Promise<void> {
  await removeIfEmpty([paths.partial, paths.temporaries]);
  // A copy of the manifest alone is of no use.
  if (!(await holdsFiles(paths))) await rm(paths.manifest, { force: true }).catch(() => {});
  await removeIfEmpty([paths.state, ...made]);
}

/** Whether anything but the copy of a manifest is in the data set folder. */
async function holdsFiles({ dir, state, manifest }: Layout): Promise<boolean> {
  const names = async (folder: string) => await readdir(folder).catch(() => []);
  const known = [basename(state), basename(manifest)];
  return [...(await names(dir)), ...(await names(state))].some((name) => !known.includes(name));
}

/** Later commands judge the folder by the manifest that was named for it; the built-in one needs no copy. */
async function keepManifest({ manifest, paths }: Session): Promise<void> {
  if (manifest.origin?.kind !== 'named') return;
  try {
    if (manifest.origin.builtIn) await paths.run.remove(paths.manifest);
    else await paths.run.write(paths.manifest, manifestText(manifest));
  } catch (error) {
    throw fsError(error, `writing ${paths.manifest}`);
  }
}

/** Files that are misplaced, or that an earlier run has set aside, get their own names. */
async function rename(
  { manifest, paths, receipts, signal }: Session,
  names: readonly string[],
): Promise<void> {
  const inventory = new Inventory({ dir: paths.dir, manifest, receipts, signal });
  await renameMisplaced({ paths, manifest, inventory, names });
}

/** Unusable proxy settings matter only when something is to be fetched. */
function requireWay(settings: Settings, actions: ReadonlyMap<DatasetFile, Action>): void {
  if ([...actions.values()].some(isFetched)) settings.requireReachable();
}

async function bringAll(
  session: Session,
  actions: ReadonlyMap<DatasetFile, Action>,
  plan: RoomPlan,
): Promise<DownloadResult> {
  const { files, emit } = session;
  emit({
    type: 'plan',
    unit: 'bytes',
    tasks: files.map(({ name: task, bytes: total }) => ({ task, total })),
  });
  const limit = pLimit(plan.jobs);
  const lines = new Map<DatasetFile, Promise<DownloadedFile>>();
  for (const file of plan.order) {
    const options = { action: actions.get(file)!, streamed: plan.streamed.has(file) };
    lines.set(
      file,
      limit(() => downloadFile(session, file, options)),
    );
  }
  // After an abort too, the lock is held until the last file is closed.
  await Promise.allSettled(lines.values());
  const done = await Promise.all(files.map((file) => lines.get(file)!));
  throwIfAborted(session.signal);
  return { ok: done.every(({ status }) => status !== 'failed'), files: done };
}

function isUnwritable(error: unknown): boolean {
  return error instanceof PcamError && (error.code === 'DISK_FULL' || error.code === 'NO_PERMISSION');
}

async function ifAllPresent(settings: Settings): Promise<DownloadResult | undefined> {
  if (settings.force) return undefined;
  // Only what is in its place matters here.
  const here = { ...settings, from: [] };
  const { actions } = await survey(here, new Receipts(settings.paths), { record: false });
  const lines = settings.files.map((file) => {
    const action = actions.get(file)!;
    const isPresent = action.kind === 'present' && action.stale === undefined;
    return isPresent ? lineOf(settings, file, { status: 'present', bytes: action.bytes }) : undefined;
  });
  const files = lines.filter((line) => line !== undefined);
  return files.length === settings.files.length ? { ok: true, files } : undefined;
}

/** A dry run: what a real one would do with each file. Nothing is written, and no source is asked. */
async function describe(settings: Settings): Promise<DownloadResult> {
  const { actions } = await survey(settings, new Receipts(settings.paths), { record: false });
  requireWay(settings, actions);
  const needs = await needsOf(settings, actions);
  let tooLarge: PcamError | undefined;
  const plan = await findRoom(settings, needs).catch((error) => {
    if (!(error instanceof PcamError) || error.code !== 'DISK_FULL') throw error;
    tooLarge = error;
    return undefined;
  });
  if (plan?.notice !== undefined) settings.emit({ type: 'notice', message: plan.notice });
  const begun = new Set(needs.filter((need) => need.begun).map(({ file }) => file));
  const files = settings.files.map((file) => {
    const action = actions.get(file)!;
    const error = obstacle(settings, file, action) ?? (needsRoom(action) ? tooLarge : undefined);
    const bytes = 'bytes' in action ? action.bytes : 0;
    if (error) return { ...lineOf(settings, file, { status: 'would-fail', bytes }), error: factsOf(error) };
    return lineOf(settings, file, { status: statusOf(action, begun.has(file)), bytes });
  });
  const ok = files.every(({ status }) => status !== 'would-fail');
  return { ok, files, dryRun: true, room: plan?.needed ?? Number.parseInt(tooLarge?.expected ?? '0', 10) };
}

function statusOf({ kind }: Action, begun: boolean): DownloadedFile['status'] {
  switch (kind) {
    case 'present':
      return 'present';
    case 'rename':
    case 'import':
      return 'would-import';
    case 'adopt':
      return 'would-resume';
    default:
      return begun ? 'would-resume' : 'would-download';
  }
}

function obstacle({ pool }: Settings, file: DatasetFile, action: Action): PcamError | undefined {
  if (action.kind === 'blocked') return action.error;
  if (!isFetched(action) || pool.usable(file).length > 0) return undefined;
  return new PcamError('NO_SOURCE', `no source has ${file.name}: the chosen sources do not list it`);
}

/** The line of a file for which nothing was transferred. */
function lineOf(
  settings: Settings,
  file: DatasetFile,
  { status, bytes }: Pick<DownloadedFile, 'status' | 'bytes'>,
): DownloadedFile {
  const path =
    status === 'present' ? resolve(settings.paths.final(wanted(file, settings.extract).name)) : null;
  return { name: file.name, status, path, bytes: file.bytes ?? bytes, transferred: 0, sources: {} };
}
