/** What to do next, as commands that can be pasted: hints of the library, with the flags that only the command line knows. */
import { type ErrorFacts, type NextStep, printable, printableLines, wrapText } from '../core/index.js';
import { type Context, columnsOf, printEvent, printMessage } from './context.js';
import { quote } from './environment.js';

/** The library's name of an option where the flag is not just that in kebab case. */
const FLAGS: Record<string, string> = {
  splits: '--split',
  kinds: '--kind',
  sources: '--source',
  mirrors: '--mirror',
  extract: '--no-extract',
};

/** Commands that go on with the splits of the run. */
const READS_SPLITS: ReadonlySet<string> = new Set(['export', 'preview', 'report', 'stats', 'verify']);

type Hinted = Pick<ErrorFacts, 'hint' | 'options' | 'next' | 'about'>;

/**
 * The command of `next`, by the name by which pcam was called, with the folder and the manifest that were given.
 * @param options.plain without those two
 */
export function commandLine({ env, given, splits }: Context, next: NextStep, { plain = false } = {}): string {
  const words: string[] = [next.command];
  for (const split of next.splits ?? ((READS_SPLITS.has(next.command) && splits) || []))
    words.push('--split', split);
  for (const kind of next.kinds ?? []) words.push('--kind', kind);
  if (next.deep) words.push('--deep');
  if (next.fix) words.push('--fix');
  if (next.format) words.push('--format', next.format);
  if (next.shuffle) words.push('--shuffle');
  if (next.indices !== undefined) words.push('--indices', next.indices);
  if (given.dir !== undefined && !plain) words.push('--dir', given.dir);
  if (given.manifest !== undefined && !plain) words.push('--manifest', given.manifest);
  return `${env.calledAs} ${words.map((word) => quote(printable(word), env.shell)).join(' ')}`;
}

/**
 * The command that was typed, to be run again.
 * @param change what is to be different in its words
 */
export function sameCommand(
  { env, argv, splits }: Context,
  change: (argv: readonly string[]) => readonly string[] = (words) => words,
): string {
  const named = splits ? ['--split', splits.join(',')] : [];
  const words = [...change(argv), ...named].map((word) => quote(printable(word), env.shell));
  return [env.calledAs, ...words].join(' ');
}

/** A hint in one line, for `--json`. */
export function hintLine(context: Context, { hint, options, next }: Hinted): string | undefined {
  const words = hint === undefined ? [] : [`${hint}${flagsOf(options)}`];
  if (next) words.push(`\`${commandLine(context, next)}\``);
  return words.length > 0 ? words.join(': ') : undefined;
}

/** An error as `--json` has it. */
export function jsonError(context: Context, error: ErrorFacts): object {
  const { code, expected, found } = error;
  return { code, message: messageFor(error), hint: hintLine(context, error), expected, found };
}

/** An error on stderr: what happened, then what to do, with a command in a line of its own. */
export function printError(context: Context, error: Hinted & { message: string; code?: string }): void {
  const { stderr, progress } = context;
  const { code, hint, options, next } = error;
  const message = messageFor(error);
  if (progress === 'json') {
    const event = { type: 'message', level: 'error', code, message, hint: hintLine(context, error) };
    printEvent(context, event);
    return;
  }
  const lines = [`pcam: ${message}`];
  if (hint !== undefined) lines.push(`  ${hint}${flagsOf(options)}${next ? ':' : ''}`);
  const columns = columnsOf(stderr);
  const fitted = lines.flatMap((line) => wrapText(line, columns));
  if (next) fitted.push(`  ${hint === undefined ? '' : '  '}${commandLine(context, next)}`);
  stderr.write(`${printableLines(fitted.join('\n'))}\n`);
}

/** The message with the flag of the option that it is about: `index dali` becomes `--index dali`. */
function messageFor({ message, about }: Pick<ErrorFacts, 'message' | 'about'>): string {
  if (!about) return message;
  const { option, value } = about;
  return message.replace(`${option} ${value}`.trim(), `${flagOf(option)} ${value}`.trim());
}

function flagsOf(options: readonly string[] = []): string {
  return options.length === 0 ? '' : ` (${options.map(flagOf).join(', ')})`;
}

function flagOf(option: string): string {
  return FLAGS[option] ?? `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

export function printLoaders(context: Context, lines: readonly string[]): void {
  if (lines.length > 0) printMessage(context, ['Load it:', ...lines.map((line) => `  ${line}`)].join('\n'));
}

export function printNext(context: Context, what: string, next: NextStep): void {
  printCommand(context, what, commandLine(context, next));
}

/** After a command that prints data: where stdout is a pipe, a script reads it, or a pager that would show the hint first. */
export function printNextToPeople(context: Context, what: string, next: NextStep): void {
  if (context.stdout.isTTY) printNext(context, what, next);
}

export function printCommand(context: Context, what: string, command: string): void {
  if (context.quiet) return;
  if (context.progress === 'json') {
    printEvent(context, { type: 'message', level: 'info', message: what, command });
  } else {
    printMessage(context, `${what}:\n  ${command}`);
  }
}
