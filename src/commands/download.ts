/** `pcam download`. */
import { Command } from 'commander';
import { count, DEFAULTS, EXIT_CODES, formatBytes, formatSeconds, LIMITS } from '../core/index.js';
import type { DownloadedFile, DownloadResult } from '../download/index.js';
import { finalName, type Kind, resolveManifest, type SplitName, selectFiles } from '../manifest/index.js';
import {
  type CommonOptions,
  type Context,
  commandLine,
  jsonError,
  networkSettings,
  printJson,
  printLine,
  sameCommand,
  withAction,
  withProgress,
} from './context/index.js';
import { addSelectionOptions, list, rate, whole } from './options/index.js';
import { loadersOf, planText, printCommand, printFailures, printLoaders, printNext } from './texts/index.js';

interface Options extends CommonOptions {
  split?: SplitName[];
  kind?: Kind[];
  source?: string[];
  mirror?: string[];
  from?: string;
  connections: number;
  jobs: number;
  limitRate?: number;
  keepArchives?: boolean;
  extract: boolean;
  stream?: boolean;
  force?: boolean;
  dryRun?: boolean;
  json?: boolean;
  quiet?: boolean;
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
  const command = addSelectionOptions(new Command('download'))
    .description(
      'Fetches the files of the data set from all sources at once, checks every byte, and leaves the decompressed files in the data set folder. Files that are present and right are not fetched again.',
    )
    .option('--source <ids>', 'use only these sources of the manifest, in this order (default: all)', list)
    .option('--mirror <places>', 'URLs or folders to try first (write %2C for a comma in one)', list)
    .option('--from <folder>', 'import files from here: archives, whole or partial, or .h5 and .csv')
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
    .option('--stream', 'keep nothing of an archive: needs less room, but cannot resume it')
    .option('--force', 'fetch everything again, even what is present')
    .option('--dry-run', 'print what would be done, and do nothing')
    .option('--json', 'print one JSON document on stdout')
    .option('--quiet', 'no progress, only errors')
    .addHelpText('after', EXAMPLES);
  return withAction<Options>(command, context, run);
}

async function run(options: Options, context: Context): Promise<void> {
  const { download } = await import('../download/index.js');
  const manifest = await resolveManifest(options.manifest);
  const network = await networkSettings(context);
  const began = performance.now();
  const { split, kind, source, mirror, json, quiet, ...rest } = options;
  const result = await withProgress(context, { quiet }, (onEvent) =>
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
  );
  context.exitCode = exitCodeOf(result.files);
  if (json) printJson(context, jsonResult(context, result));
  if (options.dryRun && !json) await printPlan(context, result, options);
  printFailures(context, result.files);
  if (quiet || !result.ok || (options.dryRun && json)) return;
  if (options.dryRun) return printAfterPlan(context, result);
  const names = selectFiles(manifest, { splits: split, kinds: kind }).map(finalName);
  const seconds = (performance.now() - began) / 1000;
  printClosing({ result, seconds, names, options, context });
}

function jsonResult(context: Context, { room: _, ...result }: DownloadResult): object {
  const files = result.files.map((file) =>
    file.error ? { ...file, error: jsonError(context, file.error) } : file,
  );
  return { ...result, files };
}

async function printPlan(context: Context, result: DownloadResult, { dir }: Options): Promise<void> {
  const { table } = await import('../report/index.js');
  printLine(context.stdout, planText(result, dir, table));
}

/** The same command in earnest; where its words may hold a secret, a plain one. */
function printAfterPlan(context: Context, { files }: DownloadResult): void {
  if (files.every(({ status }) => status === 'present')) {
    printCheck(context);
    return;
  }
  const secret = context.argv.some((word) => /:\/\/.*[@?]/.test(word));
  const command = secret
    ? commandLine(context, { command: 'download' })
    : sameCommand(context, (words) => words.filter((word) => word !== '--dry-run'));
  printCommand(context, 'Do it', command);
}

function printCheck(context: Context): void {
  printNext(context, 'Check it again at any time', { command: 'verify' });
}

/** Local errors come first, then wrong data, then absent sources. */
function exitCodeOf(files: readonly DownloadedFile[]): number {
  const codes = new Set(files.flatMap((file) => (file.error ? [EXIT_CODES[file.error.code]] : [])));
  for (const code of [5, 3, 4, 2, 1] as const) if (codes.has(code)) return code;
  return 0;
}

interface Closing {
  result: DownloadResult;
  seconds: number;
  names: readonly string[];
  options: Options;
  context: Context;
}

/** Where the data is, and how to load it. */
function printClosing({ result, seconds, names, options, context }: Closing): void {
  const { files } = result;
  const transferred = files.reduce((sum, file) => sum + file.transferred, 0);
  const present = files.filter((file) => file.status === 'present').length;
  const fetched =
    transferred > 0
      ? `${formatBytes(transferred)} fetched in ${formatSeconds(seconds)} (${formatBytes(transferred / seconds)}/s)`
      : 'nothing had to be fetched';
  const before = present > 0 ? ` (${present} present before)` : '';
  printLine(
    context.stderr,
    `\n${count(files.length, 'file')} verified in ${options.dir}${before}; ${fetched}.`,
  );
  if (options.extract) printLoaders(context, loadersOf(options.dir, names));
  printCheck(context);
}
