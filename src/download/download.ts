/** `download`: from a manifest to verified files in the data set folder. */
import { setMaxListeners } from 'node:events';
import { readdir, rm, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import pLimit from 'p-limit';
import {
  abortError,
  type Clock,
  DEFAULTS,
  LIMITS,
  PcamError,
  requireWithin,
  systemClock,
  throwIfAborted,
} from '../core/index.js';
import { missingFolders, removeIfEmpty } from '../fs/index.js';
import { Inventory, renameMisplaced } from '../inventory/index.js';
import {
  type DatasetFile,
  manifestText,
  resolveManifest,
  type SourceConfig,
  selectFiles,
  unpackedOf,
} from '../manifest/index.js';
import { HttpClient } from '../net/index.js';
import { chooseSources, openSource, requireReachable } from '../sources/index.js';
import { type Layout, layout, OwnedPartStore, PartStore, Receipts, withDataFolder } from '../store/index.js';
import { rateLimit, SourcePool, UNLIMITED } from '../transfer/index.js';
import { describe } from './dry-run.js';
import { discardParts } from './forms.js';
import { FileJob } from './job.js';
import type { DownloadOptions, DownloadResult } from './options.js';
import { findRoom, type RoomCheck, roomAsked } from './room.js';
import type { OwnedRun, Run } from './run.js';
import { needsRoom, requireFolder, type Survey, survey } from './survey.js';

/** What tests hold in their hands. */
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
  if (options.from !== undefined) await requireFolder(options.from);
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const onAbort = () => stop.abort(options.signal?.reason);
  options.signal?.addEventListener('abort', onAbort, { once: true });
  if (options.signal?.aborted) onAbort();
  const client = new HttpClient({ ...options, clock });
  try {
    const run = await createRun({ options, manifest, sources, client, clock, signal: stop.signal });
    return await start(run, files, options.jobs ?? DEFAULTS.jobs);
  } catch (error) {
    if (stop.signal.aborted) throw abortError(stop.signal);
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', onAbort);
    stop.abort();
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

interface RunParts {
  options: DownloadOptions;
  manifest: Run['manifest'];
  sources: readonly SourceConfig[];
  client: HttpClient;
  clock: Clock;
  signal: AbortSignal;
}

async function createRun({ options, manifest, sources, client, clock, signal }: RunParts): Promise<Run> {
  const paths = layout(options.dir ?? DEFAULTS.dir);
  const emit: Run['emit'] = (event) => options.onEvent?.(event);
  const { zenodoToken, gdriveCookies } = options;
  const pool = new SourcePool({
    sources: sources.map((config) => openSource(config, { client, zenodoToken, gdriveCookies })),
    connections: options.connections ?? DEFAULTS.connections,
    clock,
    pauses: options.pauses ?? options.rests,
    onEvent: emit,
  });
  return {
    manifest,
    paths,
    receipts: new Receipts(paths),
    parts: new PartStore(paths),
    pool,
    requireReachable: () => requireReachable(sources, client),
    limit: options.limitRate === undefined ? UNLIMITED : rateLimit(options.limitRate, clock),
    clock,
    keepArchives: options.keepArchives ?? false,
    extract: options.extract ?? true,
    force: options.force ?? false,
    dryRun: options.dryRun ?? false,
    stream: options.stream ?? false,
    from: options.from,
    signal,
    emit,
  };
}

async function start(run: Run, files: readonly DatasetFile[], jobs: number): Promise<DownloadResult> {
  try {
    if (run.dryRun) return await tryDry(run, files, jobs);
    return await withoutTrace(run, () => owned(run, (own) => runAll(own, files, jobs)));
  } finally {
    run.pool.close();
  }
}

/** A run that fetches nothing leaves no empty folder behind that it made. */
async function withoutTrace(run: Run, work: () => Promise<DownloadResult>): Promise<DownloadResult> {
  const { dir, state, parts, temporaries, manifest } = run.paths;
  const made = await missingFolders(dir);
  let ok = false;
  try {
    const result = await work();
    ok = result.ok;
    return result;
  } catch (error) {
    // They are in use by the run that has the lock.
    ok = error instanceof PcamError && error.code === 'LOCKED';
    throw error;
  } finally {
    if (!ok) {
      await removeIfEmpty([parts, temporaries]);
      // A copy of the manifest alone is of no use.
      if (!(await holdsFiles(run.paths))) await rm(manifest, { force: true }).catch(() => {});
      await removeIfEmpty([state, ...made]);
    }
  }
}

/** Whether anything but the copy of a manifest is in the data set folder. */
async function holdsFiles({ dir, state, manifest }: Layout): Promise<boolean> {
  const names = async (folder: string) => await readdir(folder).catch(() => []);
  const known = [basename(state), basename(manifest)];
  return [...(await names(dir)), ...(await names(state))].some((name) => !known.includes(name));
}

async function owned<T>(run: Run, work: (own: OwnedRun) => Promise<T>): Promise<T> {
  const { signal, clock } = run;
  return withDataFolder({ dir: run.paths.dir, command: 'download', signal, clock }, async (paths) => {
    const receipts = new Receipts(paths, paths.run);
    const parts = new OwnedPartStore(paths);
    const { signal } = paths.workspace;
    const own: OwnedRun = { ...run, paths, parts, receipts, signal, windowed: new Set() };
    setMaxListeners(0, own.signal);
    await rename(own);
    await keepManifest(own);
    return await work(own);
  });
}

/** Later commands judge the folder by the manifest that was named for it; the built-in one needs no copy. */
async function keepManifest({ manifest, paths }: OwnedRun): Promise<void> {
  if (manifest.origin?.kind !== 'named') return;
  if (manifest.origin.builtIn) await paths.run.remove(paths.manifest);
  else await paths.run.write(paths.manifest, manifestText(manifest));
}

/** Files that are misplaced, or that an earlier run has set aside, get their own names. */
async function rename({ manifest, paths, receipts, signal }: OwnedRun, names: string[] = []): Promise<void> {
  const inventory = new Inventory({ dir: paths.dir, manifest, receipts, signal });
  await renameMisplaced({ paths, manifest, inventory, names });
}

/** Unusable proxy settings matter only when something is to be fetched. */
function requireWay(run: Run, actions: Survey['actions']): void {
  if ([...actions.values()].some(({ kind }) => kind === 'fetch' || kind === 'adopt')) run.requireReachable();
}

async function tryDry(run: Run, files: readonly DatasetFile[], jobs: number): Promise<DownloadResult> {
  const { actions } = await survey(run, files);
  requireWay(run, actions);
  const check = await roomFor(run, actions, jobs);
  try {
    const { needed, notice } = await findRoom(check);
    if (notice !== undefined) run.emit({ type: 'notice', message: notice });
    return await describe(run, files, { actions, room: needed });
  } catch (error) {
    if (!(error instanceof PcamError) || error.code !== 'DISK_FULL') throw error;
    return await describe(run, files, { actions, room: roomAsked(check).needed, tooSmall: error });
  }
}

/** What is still to be written, and where. */
async function roomFor(run: Run, actions: Survey['actions'], jobs: number): Promise<RoomCheck> {
  const files = [...actions.keys()];
  const sizes = new Map(
    await Promise.all(files.map(async (file) => [file, await bytesInParts(run, file)] as const)),
  );
  const needs = [...actions]
    .filter(([, action]) => needsRoom(action))
    .map(([file, { kind }]) => {
      const begun = sizes.get(file)! > 0 || kind === 'adopt';
      return { file, archiveThere: kind === 'import', begun };
    });
  const { keepArchives, extract, paths, stream } = run;
  const begun = [...sizes.values()].reduce((a, b) => a + b, 0);
  return { folder: paths.dir, needs, begun, jobs, keepArchives, extract, windowed: stream };
}

async function runAll(owned: OwnedRun, files: readonly DatasetFile[], most: number): Promise<DownloadResult> {
  const { actions, misplaced } = await survey(owned, files);
  requireWay(owned, actions);
  const { windowed, jobs, notice } = await findRoom(await roomFor(owned, actions, most));
  if (notice !== undefined) owned.emit({ type: 'notice', message: notice });
  const run: OwnedRun = { ...owned, windowed };
  if (run.force) for (const file of files) await discardParts(run, file);
  await rename(run, misplaced);
  run.emit({
    type: 'plan',
    unit: 'bytes',
    tasks: files.map(({ name: task, bytes: total }) => ({ task, total })),
  });
  const limit = pLimit(jobs);
  const underWay = files.map((file) => limit(() => new FileJob(run, file).run(actions.get(file)!)));
  // After an abort too, the lock is held until the last of them has closed its part.
  await Promise.allSettled(underWay);
  const done = await Promise.all(underWay);
  throwIfAborted(run.signal);
  return { ok: done.every((file) => file.status !== 'failed'), files: done };
}

async function bytesInParts(run: Run, file: DatasetFile): Promise<number> {
  if (run.force) return 0;
  const forms = [file, unpackedOf(file)].filter((form) => form !== undefined);
  const sizes = forms.map((form) =>
    stat(run.paths.part(form.name)).then(
      (s) => s.blocks * 512,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((a, b) => a + b, 0);
}
