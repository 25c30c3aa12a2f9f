/** What every command gets and shares: streams, the signal, the common options, and how to print and show progress. */
import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { win32 } from 'node:path';
import type { Command } from 'commander';
import {
  DEFAULTS,
  DEVICE_NAME,
  messageOf,
  type OnEvent,
  PcamError,
  type ProxySettings,
  printable,
  printableJson,
  printableLines,
  wrapText,
} from '../core/index.js';
import type { Kind, Manifest, SplitName } from '../manifest/index.js';
import type { Environment } from './environment.js';

/** How progress is shown; `json`: every line of stderr is one JSON document. */
export const PROGRESS_MODES = ['auto', 'bar', 'lines', 'json', 'none'] as const;
export type ProgressMode = (typeof PROGRESS_MODES)[number];

export interface Context {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: Environment;
  readonly signal: AbortSignal;
  /** The arguments of the process, without node and script. */
  readonly argv: readonly string[];
  /** The common options that were typed; printed commands repeat them. */
  given: Partial<CommonOptions>;
  /** The splits of the run, where none was typed and some were left out; printed commands name them. */
  splits?: readonly string[];
  progress: ProgressMode;
  /** Errors alone are printed. */
  quiet: boolean;
  /** Prints a line above the progress bars, while there are any. */
  say?: (line: string) => void;
  /** Set by a command that did its work and has bad news. */
  exitCode: number;
}

export interface CommonOptions {
  dir: string;
  manifest?: string;
}

/** Options of the commands that take a choice of files. */
export interface FileOptions extends CommonOptions {
  split?: SplitName[];
  kind?: Kind[];
}

/** Options of the commands that read splits. */
export interface SplitOptions extends CommonOptions {
  split?: SplitName[];
  json?: boolean;
}

/** The same as the library takes them, with the signal and the events of the running command. */
export interface SplitCall {
  dir: string;
  manifest: Manifest;
  splits?: SplitName[];
  signal: AbortSignal;
  onEvent: OnEvent;
}

/** Adds `--dir` and `--manifest`, and the action: `run` gets the options and the arguments that are not options. */
export function withAction<O>(
  command: Command,
  context: Context,
  run: (options: O & CommonOptions, context: Context, args: readonly string[]) => Promise<void>,
): Command {
  const { dir = DEFAULTS.dir, manifest } = context.env;
  return command
    .option('-d, --dir <folder>', 'the data set folder (or PCAM_DIR)', dir)
    .option('--manifest <file>', 'a manifest in place of the built-in one (or PCAM_MANIFEST)', manifest)
    .allowExcessArguments()
    .action(async () => {
      await refuseExcess(command);
      await run(readOptions<O>(command, context), context, command.args);
    });
}

/** The options of a command, and those given before its name. The common ones that were typed go to `context.given`. */
function readOptions<O>(command: Command, context: Context): O & CommonOptions {
  const own = command.opts();
  const above = command.parent?.opts() ?? {};
  for (const key of ['dir', 'manifest'] as const) {
    const typed = command.getOptionValueSource(key) === 'cli';
    if (above[key] !== undefined && !typed) own[key] = above[key];
    if (above[key] !== undefined || typed) context.given = { ...context.given, [key]: own[key] };
  }
  refusePlace(own.dir);
  context.progress = own.progress ?? context.progress;
  context.quiet = own.quiet ?? false;
  return own as O & CommonOptions;
}

/**
 * Refuses what cannot be a data set folder, or cannot be named.
 * @throws PcamError USAGE, IO
 */
export function refusePlace(dir: string, platform: NodeJS.Platform = process.platform): void {
  if (dir === '') throw new PcamError('USAGE', '--dir is empty');
  if (platform === 'win32') {
    const { root } = win32.parse(dir);
    if (DEVICE_NAME.test(win32.basename(dir))) {
      throw new PcamError('USAGE', `--dir ${dir} is the name of a device of Windows, not of a directory`);
    }
    if (/^[a-z]:/i.test(root) && !existsSync(root)) {
      throw new PcamError('USAGE', `--dir ${dir}: there is no drive ${root.slice(0, 2)}`);
    }
  }
  // Node.js reads names as UTF-8, and would make a sibling whose name has other characters.
  const current = process.cwd();
  if (current.includes('\ufffd') && statSync('.').ino !== statSync(current, { throwIfNoEntry: false })?.ino) {
    throw new PcamError('IO', 'the name of the current directory, or of one above it, is not UTF-8', {
      hint: 'rename it, or change to another directory',
    });
  }
}

/** Splits that were typed as arguments are the usual case: `download valid`, `--split train valid`. */
async function refuseExcess(command: Command): Promise<void> {
  const excess = command.args.slice(command.registeredArguments.length);
  if (excess.length === 0) return;
  const { SPLITS } = await import('../manifest/index.js');
  const { split = [] } = command.opts<{ split?: string[] }>();
  const isSplit = (word: string) => [...SPLITS, 'val', 'validation', 'all'].includes(word.toLowerCase());
  const hint = excess.every(isSplit)
    ? `did you mean --split ${[...new Set([...split, ...excess])].join(',')}?`
    : `see ${command.name()} --help; a value with spaces or stars needs quotes`;
  const message = `${command.name()} does not take the argument ${excess.map((word) => printable(word, 100)).join(' ')}`;
  throw new PcamError('USAGE', message, { hint });
}

/** The manifest that the folder is judged by: resolved once per run, and named unless it is the built-in one. */
export async function chooseManifest(
  context: Context,
  { dir, manifest: given }: CommonOptions,
): Promise<Manifest> {
  const { resolveManifest } = await import('../manifest/index.js');
  const manifest = await resolveManifest(given, dir);
  const { kind, path, builtIn, ignored } = manifest.origin;
  if (ignored !== undefined) {
    printMessage(context, printable(`${ignored} is not a manifest of pcam: ignored`));
  }
  const whose = { named: '', folder: ", the folder's own", kept: ', named at its download', 'built-in': '' };
  if (!builtIn) printMessage(context, printable(`manifest: ${path}${whose[kind]}`));
  return manifest;
}

/** What JSON documents say of the manifest. */
export function manifestFacts({ origin }: Manifest): { path: string | null; builtIn: boolean } {
  return { path: origin?.path ?? null, builtIn: origin?.builtIn ?? false };
}

/** Shows the progress of `work` on stderr; the bars are removed when it ends, in every outcome. */
export async function withProgress<T>(
  context: Context,
  { json }: { json?: boolean },
  work: (onEvent: OnEvent) => Promise<T>,
): Promise<T> {
  const { createProgress } = await import('../report/index.js');
  const { stderr, env } = context;
  const mode = chooseMode(context, json ?? false);
  const progress = await createProgress({ stream: stderr, mode, colour: env.colour });
  if (mode === 'bar') context.say = (line) => progress.say(line);
  try {
    return await work(progress.onEvent);
  } finally {
    context.say = undefined;
    progress.stop();
  }
}

/** With `--json`, a program reads: progress is shown on a terminal only. */
function chooseMode({ progress, quiet, stderr, env }: Context, json: boolean): Exclude<ProgressMode, 'auto'> {
  if (progress === 'json') return 'json';
  if (quiet) return 'none';
  if (progress === 'bar' || progress === 'auto') {
    if (stderr.isTTY && (progress === 'bar' || !env.dumb)) return 'bar';
    return json && progress === 'auto' ? 'none' : 'lines';
  }
  return progress;
}

/** Makes a call that reads splits, and shows its progress. */
export async function callOnSplits<T>(
  context: Context,
  options: SplitOptions,
  call: (shared: SplitCall) => Promise<T>,
): Promise<T> {
  const { dir, split: splits, json = false } = options;
  const manifest = await chooseManifest(context, options);
  const silent = chooseMode(context, json) === 'none';
  return withProgress(context, { json }, (show) => {
    const onEvent: OnEvent = (event) => {
      if (event.type === 'notice' && event.splits) {
        context.splits = event.splits;
        if (silent) printMessage(context, event.message);
      }
      show(event);
    };
    return call({ dir, manifest, splits, signal: context.signal, onEvent });
  });
}

export interface NetworkSettings {
  proxy: ProxySettings;
  zenodoToken?: string;
  gdriveCookies?: string;
  ca?: string;
}

/**
 * The network settings of the environment. An SSL_CERT_FILE that cannot be read is reported, and does not end the command.
 * @throws PcamError USAGE for a GDRIVE_COOKIES that cannot be read
 */
export async function networkSettings(context: Context, { origin }: Manifest): Promise<NetworkSettings> {
  const { proxy, zenodoToken } = context.env;
  const shared = { proxy, ca: await certificates(context) };
  // A manifest that lay in a folder may name any host: no token and no session goes there.
  const trusted = origin?.kind === 'built-in' || origin?.kind === 'named';
  return trusted ? { ...shared, zenodoToken, gdriveCookies: await gdriveCookies(context) } : shared;
}

/** A browser's cookies of one site have a few kB, those of all sites less than this. */
const MAX_COOKIES_FILE = 4 * 1024 * 1024;

async function gdriveCookies({ env: { gdriveCookies: path } }: Context): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const { readSmallFile } = await import('../fs/index.js');
  try {
    return await readSmallFile(path, { maxBytes: MAX_COOKIES_FILE });
  } catch (error) {
    throw new PcamError('USAGE', `GDRIVE_COOKIES ${path}: the file cannot be read: ${messageOf(error)}`, {
      cause: error,
      hint: 'name a cookies.txt (Netscape format), or unset GDRIVE_COOKIES',
    });
  }
}

/** SSL_CERT_FILE replaces the built-in certificates, as in OpenSSL; NODE_EXTRA_CA_CERTS adds to them, as in Node.js. */
async function certificates(context: Context): Promise<string | undefined> {
  const { certificates: path, extraCertificates: more } = context.env;
  if (path === undefined) return undefined;
  const read = (file: string) => readFile(file, 'utf8');
  try {
    const own = await read(path);
    if (!own.includes('-----BEGIN CERTIFICATE-----')) throw new Error('it has no certificate (PEM) in it');
    return more === undefined ? own : `${own}\n${await read(more).catch(() => '')}`;
  } catch (error) {
    const ignored = 'ignored, the built-in certificates are used';
    printMessage(context, `pcam: SSL_CERT_FILE ${path}: ${messageOf(error)}; ${ignored}`);
    return undefined;
  }
}

/** The one document of `--json`. */
export function printJson({ stdout }: Context, document: unknown): void {
  stdout.write(`${printableJson(document)}\n`);
}

/** Data for people, on stdout. Text from outside has to be made `printable` first. */
export function printOutput({ stdout }: Context, text: string): void {
  stdout.write(`${fitText(stdout, text)}\n`);
}

/** A message, on stderr. Text from outside has to be made `printable` first. */
export function printMessage(context: Context, text: string): void {
  if (context.quiet) return;
  const { stderr, say, progress } = context;
  if (progress === 'json') {
    printEvent(context, { type: 'message', level: 'info', message: text.trim() });
    return;
  }
  if (say) say(printableLines(text));
  else stderr.write(`${fitText(stderr, text)}\n`);
}

/** A line of `--progress json`. */
export function printEvent({ stderr }: Context, event: object): void {
  stderr.write(`${printableJson(event, 0)}\n`);
}

/** Breaks long lines between words; indented ones stay whole, as they are commands to paste. */
function fitText(stream: NodeJS.WriteStream, text: string): string {
  const columns = columnsOf(stream);
  const fit = (line: string) => (line.startsWith('  ') ? [line] : wrapText(line, columns));
  return printableLines(text).split('\n').flatMap(fit).join('\n');
}

/** The width of a terminal; one without a size (containers, `expect`, editors) reports 0. Undefined: no terminal. */
export function columnsOf({ isTTY, columns }: NodeJS.WriteStream): number | undefined {
  return isTTY ? columns || 80 : undefined;
}
