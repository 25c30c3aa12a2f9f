/** `pcam download`. */
import { basename, dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import {
  count,
  DEFAULTS,
  type ErrorFacts,
  EXIT_CODES,
  formatBytes,
  formatSeconds,
  LIMITS,
  PcamError,
  shortName,
} from '../core/index.js';
import type { DownloadedFile, DownloadResult, DownloadStatus } from '../download/index.js';
import { finalName, type Manifest, selectFiles } from '../manifest/index.js';
import { table } from '../report/index.js';
import { findNearby, layout, statPartials } from '../store/index.js';
import {
  type Context,
  chooseManifest,
  type FileOptions,
  manifestFacts,
  networkSettings,
  printJson,
  printMessage,
  printOutput,
  withAction,
  withProgress,
} from './context.js';
import {
  commandLine,
  jsonError,
  printCommand,
  printError,
  printLoaders,
  printNext,
  sameCommand,
} from './hints.js';
import { addFileOptions, addOutputOptions, list, places, rate, whole } from './options.js';

interface Options extends FileOptions {
  source?: string[];
  mirror?: string[];
  from?: string[];
  connections: number;
  jobs: number;
  limitRate?: number;
  keepArchives?: boolean;
  extract: boolean;
  stream?: boolean;
  force?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  pcam download                                all nine files, 8 GB to fetch
  pcam download --split valid                  one split: images, labels, meta
  pcam download --split train --kind x,y       images and labels of train
  pcam download --from ~/Downloads             import what a browser has fetched
  pcam download --mirror https://host/pcam     try a mirror first
  pcam download --source zenodo --limit-rate 2M

Stop it with Ctrl-C at any time: the same command resumes.
`;

export function downloadCommand(context: Context): Command {
  const command = addFileOptions(new Command('download'))
    .description(
      'Fetches the files of the data set from all sources at once, checks every byte, and leaves the decompressed files in the data set folder. Files that are present and right are not fetched again.',
    )
    .option('--source <ids>', 'use only these sources of the manifest, in this order (default: all)', list)
    .option(
      '--mirror <places>',
      'servers or folders with the same files, to try first (write %2C for a comma in one)',
      list,
    )
    .option('--from <places>', 'folders, files and zip archives with files that are already here', places)
    .option(
      '--connections <n>',
      'maximum concurrent requests per source',
      whole(LIMITS.connections),
      DEFAULTS.connections,
    )
    .option('--jobs <n>', 'maximum files in progress at the same time', whole(LIMITS.jobs), DEFAULTS.jobs)
    .option('--limit-rate <speed>', 'bytes per second over all connections, such as 500k or 2M', rate)
    .option('--keep-archives', 'keep the .gz archives beside the decompressed files')
    .option('--no-extract', 'fetch and verify the archives, without decompressing them')
    .option(
      '--stream',
      'keep no archive while it is fetched: needs less room, but an interrupted file starts over',
    )
    .option('--force', 'fetch everything again, even what is present')
    .option('--dry-run', 'print what would be done, and do nothing')
    .addHelpText('after', EXAMPLES);
  return withAction<Options>(addOutputOptions(command), context, run);
}

async function run(options: Options, context: Context): Promise<void> {
  const { download } = await import('../download/index.js');
  const { split, kind, source, mirror, json, ...rest } = options;
  const manifest = await chooseManifest(context, options);
  requireNoNearby(options, manifest);
  const network = await networkSettings(context, manifest);
  const started = performance.now();
  const { room, ...result } = await withProgress(context, { json }, (onEvent) =>
    download({
      ...rest,
      manifest,
      splits: split,
      kinds: kind,
      sources: source,
      mirrors: mirror,
      signal: context.signal,
      onEvent,
      ...network,
    }),
  ).catch(async (error) => {
    if (context.signal.aborted) await printKept(context, { options, manifest });
    throw error;
  });
  const { ok, files, ...more } = result;
  context.exitCode = exitCodeOf(files);
  if (json) {
    const error = (file: DownloadedFile) => (file.error ? { error: jsonError(context, file.error) } : {});
    printJson(context, {
      ok,
      manifest: manifestFacts(manifest),
      ...more,
      files: files.map((file) => ({ ...file, ...error(file) })),
    });
  } else if (options.dryRun) {
    printOutput(context, planText(files, { room, dir: options.dir }));
  }
  printFailures(context, files);
  if (!ok || (options.dryRun && json)) return;
  if (options.dryRun) return printAfterPlan(context, files);
  printMessage(
    context,
    `\n${closingText(result, { options, seconds: (performance.now() - started) / 1000 })}`,
  );
  const names = selectFiles(manifest, { splits: split, kinds: kind }).map(finalName);
  if (options.extract) printLoaders(context, loadersOf(options.dir, names));
  printNext(context, 'Check it again at any time', { command: 'verify' });
}

/** Nobody wants the 8 GB a second time, beside or below the data set folder. */
function requireNoNearby({ dir, force, from }: Options, manifest: Manifest): void {
  const near = force || from !== undefined ? undefined : findNearby(dir, manifest);
  if (near === undefined) return;
  throw new PcamError('USAGE', `${dir} has no images, and ${resolve(near)} has`, {
    hint: 'name that folder, or fetch them again all the same',
    options: ['dir', 'force'],
  });
}

/** After Ctrl-C: the next run continues from the partial downloads. */
async function printKept(
  context: Context,
  { options, manifest }: { options: Options; manifest: Manifest },
): Promise<void> {
  const { dir, split, kind } = options;
  const files = selectFiles(manifest, { splits: split, kinds: kind });
  const partials = await Promise.all(files.map((file) => statPartials(layout(dir).partial, file)));
  const bytes = partials.reduce((sum, partial) => sum + partial.bytes, 0);
  if (bytes > 0) printMessage(context, `${formatBytes(bytes)} of unfinished files are kept in ${dir}`);
}

/** Local errors come first, then wrong data, then absent sources. */
function exitCodeOf(files: readonly DownloadedFile[]): number {
  const codes = new Set(files.flatMap((file) => (file.error ? [EXIT_CODES[file.error.code]] : [])));
  for (const code of [5, 3, 4, 2, 1] as const) if (codes.has(code)) return code;
  return 0;
}

const PLANNED: Partial<Record<DownloadStatus, string>> = {
  'would-import': 'would import',
  'would-resume': 'would resume',
  'would-download': 'would download',
  'would-fail': 'would fail',
};

/** The text of `--dry-run`: each file, what would be fetched, and the room that it takes. */
function planText(
  files: readonly DownloadedFile[],
  { room = 0, dir }: { room?: number; dir: string },
): string {
  const rows = files.map(({ name, status, bytes }) => [
    PLANNED[status] ?? status,
    shortName(name),
    bytes > 0 ? formatBytes(bytes) : 'size not published',
  ]);
  const fetched = files.filter(({ status }) => status === 'would-download' || status === 'would-resume');
  const bytes = fetched.reduce((sum, file) => sum + file.bytes, 0);
  const what = `${count(fetched.length, 'file')} to fetch, ${formatBytes(bytes)}`;
  return `${table(rows)}\n\n${what}; needs ${formatBytes(Math.max(0, room))} of free disk in ${dir}.`;
}

/** The same command without `--dry-run`; where its words may hold a secret, a plain one. */
function printAfterPlan(context: Context, files: readonly DownloadedFile[]): void {
  if (files.every(({ status }) => status === 'present')) {
    printNext(context, 'Check it again at any time', { command: 'verify' });
    return;
  }
  const secret = context.argv.some((word) => /:\/\/.*[@?]/.test(word));
  const command = secret
    ? commandLine(context, { command: 'download' })
    : sameCommand(context, (words) => words.filter((word) => word !== '--dry-run'));
  printCommand(context, 'Do it', command);
}

/** `9 files verified in pcam (3 present before); 8.03 GB fetched in 6 min 12 s (21.6 MB/s).` */
function closingText(
  { files }: Pick<DownloadResult, 'files'>,
  { options, seconds }: { options: Options; seconds: number },
): string {
  const transferred = files.reduce((sum, file) => sum + file.transferred, 0);
  const present = files.filter((file) => file.status === 'present').length;
  const before = present > 0 ? ` (${present} present before)` : '';
  const speed = `${formatBytes(transferred / seconds)}/s`;
  const fetched =
    transferred > 0
      ? `${formatBytes(transferred)} fetched in ${formatSeconds(seconds)} (${speed})`
      : 'nothing had to be fetched';
  return `${count(files.length, 'file')} verified in ${options.dir}${before}; ${fetched}.`;
}

/** Lines of Python that load the decompressed images; none where there are none. */
function loadersOf(dir: string, names: readonly string[]): string[] {
  const images = names.find((name) => name.endsWith('_x.h5'));
  if (images === undefined) return [];
  const h5py = `h5py.File(${JSON.stringify(join(dir, images))})["x"]`;
  if (basename(resolve(dir)) !== 'pcam') {
    return [h5py, '# torchvision.datasets.PCAM, too, in a folder that is called pcam'];
  }
  const split = /valid/.test(images) ? 'val' : /test/.test(images) ? 'test' : 'train';
  return [`torchvision.datasets.PCAM(root=${JSON.stringify(dirname(dir))}, split="${split}")`, h5py];
}

type Failed = DownloadedFile & { error: ErrorFacts };

/** Files that could not be fetched. A cause is reported once, however many files it concerns. */
function printFailures(context: Context, files: readonly DownloadedFile[]): void {
  const causes = new Map<string, Failed[]>();
  for (const file of files.filter((each): each is Failed => each.error !== undefined)) {
    const cause = causeOf(file);
    causes.set(cause, [...(causes.get(cause) ?? []), file]);
  }
  for (const group of causes.values()) printError(context, failureOf(group));
}

/** What two failures of one cause have in common. */
function causeOf({ name, error }: Failed): string {
  const { code, message, hint, reasons } = error;
  if (isOffline(error)) return 'offline';
  const said = reasons?.map(({ source, reason }) => `${source} ${reason}`) ?? [message];
  return JSON.stringify([code, hint, said.map((words) => words.replaceAll(name, ''))]);
}

/** No name resolves: the cause is this machine's connection, not the sources. */
function isOffline({ reasons = [] }: ErrorFacts): boolean {
  const unresolved = reasons.filter(({ code }) => code === 'ENOTFOUND' || code === 'EAI_AGAIN');
  return unresolved.length > 0 && unresolved.length === reasons.length;
}

function failureOf(group: readonly Failed[]): Pick<ErrorFacts, 'message' | 'hint' | 'options' | 'next'> {
  const [{ name, error }] = group as [Failed];
  const names =
    group.length > 3 ? count(group.length, 'file') : group.map((file) => shortName(file.name)).join(', ');
  const failed = `${names} could not be fetched`;
  if (isOffline(error)) {
    return {
      message: `${failed}: no host name resolves`,
      hint: 'Is this machine online? Behind a proxy, set HTTPS_PROXY',
    };
  }
  const kept = group.some(({ transferred, streamed }) => transferred > 0 && !streamed);
  const hint =
    error.code === 'NO_SOURCE' && kept ? `what was fetched is kept; ${error.hint ?? ''}` : error.hint;
  if (group.length === 1) return { ...error, message: `${shortName(name)}: ${error.message}`, hint };
  const said = error.reasons?.map(({ source, reason }) => `${source}: ${reason}`).join('; ');
  return { ...error, message: `${failed}: ${said ?? error.message}`, hint };
}
