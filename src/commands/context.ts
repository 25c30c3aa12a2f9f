/** What every command gets and shares: streams, the signal, the common options, and how to print and show progress. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import {
  DEFAULTS,
  messageOf,
  type OnEvent,
  PcamError,
  type ProxySettings,
  printableJson,
  printableLines,
  wrapText,
} from '../core/index.js';
import type { Kind, SplitName } from '../manifest/index.js';
import type { Environment } from './environment.js';

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
  manifest?: string;
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
    .action(() => run(readOptions<O>(command, context), context, command.args));
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
  if (own.dir === '') throw new PcamError('USAGE', '--dir is empty');
  return own as O & CommonOptions;
}

/** Shows the progress of `work` on stderr; the bars are removed when it ends, in every outcome. */
export async function withProgress<T>(
  context: Context,
  { quiet }: { quiet?: boolean },
  work: (onEvent: OnEvent) => Promise<T>,
): Promise<T> {
  const { createProgress } = await import('../report/index.js');
  const { colour, dumb } = context.env;
  const progress = await createProgress({ stream: context.stderr, quiet, colour, dumb });
  context.say = (line) => progress.say(line);
  try {
    return await work(progress.onEvent);
  } finally {
    context.say = undefined;
    progress.stop();
  }
}

/** Makes a call that reads splits, and shows its progress: with `--json`, on a terminal only. */
export function callOnSplits<T>(
  context: Context,
  { dir, manifest, split: splits, json }: SplitOptions,
  call: (shared: SplitCall) => Promise<T>,
): Promise<T> {
  const quiet = json && !context.stderr.isTTY;
  return withProgress(context, { quiet }, (show) => {
    const onEvent: OnEvent = (event) => {
      if (event.type === 'notice' && event.splits) {
        context.splits = event.splits;
        if (quiet) printMessage(context, event.message);
      }
      show(event);
    };
    return call({ dir, manifest, splits, signal: context.signal, onEvent });
  });
}

export interface NetworkSettings {
  proxy: ProxySettings;
  zenodoToken?: string;
  ca?: string;
}

/** The network settings of the environment. An SSL_CERT_FILE that cannot be read is reported, and does not end the command. */
export async function networkSettings(context: Context): Promise<NetworkSettings> {
  const { proxy, zenodoToken } = context.env;
  return { proxy, zenodoToken, ca: await certificates(context) };
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
  printText(stdout, text);
}

/** A message, on stderr. Text from outside has to be made `printable` first. */
export function printMessage({ stderr }: Context, text: string): void {
  printText(stderr, text);
}

/** Breaks long lines between words; indented ones stay whole, as they are commands to paste. */
function printText(stream: NodeJS.WriteStream, text: string): void {
  const columns = columnsOf(stream);
  const fit = (line: string) => (line.startsWith('  ') ? [line] : wrapText(line, columns));
  stream.write(`${printableLines(text).split('\n').flatMap(fit).join('\n')}\n`);
}

/** The width of a terminal; one without a size (containers, `expect`, editors) reports 0. Undefined: no terminal. */
export function columnsOf({ isTTY, columns }: NodeJS.WriteStream): number | undefined {
  return isTTY ? columns || 80 : undefined;
}
