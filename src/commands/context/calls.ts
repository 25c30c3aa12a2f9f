/** What every command does with its options, its signal and its progress: each command adds its one call of the library. */
import type { Command } from 'commander';
import type { OnEvent } from '../../core/index.js';
import type { SplitName } from '../../manifest/index.js';
import { addCommonOptions, type CommonOptions, type Context, optionsOf } from './context.js';

/** Adds the options of all commands, and the action: `run` gets what was given, and the arguments that are no options. */
export function withAction<O>(
  command: Command,
  context: Context,
  run: (options: O & CommonOptions, context: Context, args: readonly string[]) => Promise<void>,
): Command {
  addCommonOptions(command, context);
  return command.action(() => run(optionsOf<O>(command, context), context, command.args));
}

/** Shows the progress of `work` on stderr; the bars are removed when it ends, in every outcome. */
export async function withProgress<T>(
  context: Context,
  { quiet }: { quiet?: boolean },
  work: (onEvent: OnEvent) => Promise<T>,
): Promise<T> {
  const { createProgress } = await import('../../report/index.js');
  const { colour, dumb } = context.env;
  const progress = createProgress({ stream: context.stderr, quiet, colour, dumb });
  context.say = (line) => progress.say(line);
  try {
    return await work(progress.onEvent);
  } finally {
    context.say = undefined;
    progress.stop();
  }
}

/** The options of every command that reads splits of the data set. */
export interface SplitOptions extends CommonOptions {
  split?: SplitName[];
  json?: boolean;
}

/** The same as the library takes them, with what a running command adds. */
export interface SplitCall {
  dir: string;
  manifest?: string;
  splits?: SplitName[];
  signal: AbortSignal;
  onEvent: OnEvent;
}

/** Makes a call that reads splits, and shows its progress: with `--json`, on a terminal only. */
export function callOnSplits<T>(
  context: Context,
  { dir, manifest, split: splits, json }: SplitOptions,
  call: (shared: SplitCall) => Promise<T>,
): Promise<T> {
  const quiet = json && !context.stderr.isTTY;
  return withProgress(context, { quiet }, (onEvent) =>
    call({ dir, manifest, splits, signal: context.signal, onEvent }),
  );
}
