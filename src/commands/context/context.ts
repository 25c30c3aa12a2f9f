/** What every command gets: streams, signal, settings from the environment; and what all of them share. */
import type { Command } from 'commander';
import { DEFAULTS, PcamError, printableJson, printableLines, wrapText } from '../../core/index.js';
import type { Environment } from './environment.js';

export interface Context {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: Environment;
  readonly signal: AbortSignal;
  /** What was typed, without node and script. */
  readonly argv: readonly string[];
  /** Options of all commands that were typed; commands that are printed repeat them. */
  given: Partial<CommonOptions>;
  /** Prints a line above the bars, while there are any. */
  say?: (line: string) => void;
  /** Set by a command that did its work and has bad news. */
  exitCode: number;
}

export interface CommonOptions {
  dir: string;
  manifest?: string;
}

/** `--dir` and `--manifest`, on every command. */
export function addCommonOptions(command: Command, { env }: Context): Command {
  return command
    .option('-d, --dir <folder>', 'the data set folder (or PCAM_DIR)', env.dir ?? DEFAULTS.dir)
    .option('--manifest <file>', 'a manifest in place of the built-in one (or PCAM_MANIFEST)', env.manifest);
}

/** The options of a command, those given before its name included. They are noted in the context. */
export function optionsOf<T>(command: Command, context: Context): T & CommonOptions {
  const own = command.opts();
  const above = command.parent?.opts() ?? {};
  for (const key of ['dir', 'manifest'] as const) {
    const typed = command.getOptionValueSource(key) === 'cli';
    if (above[key] !== undefined && !typed) own[key] = above[key];
    if (above[key] !== undefined || typed) context.given = { ...context.given, [key]: own[key] };
  }
  if (own.dir === '') throw new PcamError('USAGE', '--dir is empty');
  return own as T & CommonOptions;
}

/** The one document of `--json`. */
export function printJson(context: Context, document: unknown): void {
  context.stdout.write(`${printableJson(document)}\n`);
}

/** pcam's own text, of one line or several; outside text has to be made `printable` first. */
export function printLine(stream: NodeJS.WriteStream, text: string): void {
  const safe = printableLines(text);
  const columns = columnsOf(stream);
  stream.write(`${columns === undefined ? safe : fitLines(safe, columns)}\n`);
}

/** The width of a terminal; one without a size (containers, `expect`, editors) reports 0. Undefined: no terminal. */
export function columnsOf({ isTTY, columns }: NodeJS.WriteStream): number | undefined {
  return isTTY ? columns || 80 : undefined;
}

/** Breaks long lines between words; indented ones stay whole, as they are commands to paste. */
function fitLines(text: string, columns: number): string {
  const fit = (line: string) => (line.startsWith('  ') ? [line] : wrapText(line, columns));
  return text.split('\n').flatMap(fit).join('\n');
}
