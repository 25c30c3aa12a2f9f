/** The command line as completion scripts need it, from the definitions of the commands. */
import type { Argument, Command, Option } from 'commander';
import type { Words } from '../options/index.js';

/** What a value can be completed with. */
export type Values =
  | { readonly kind: 'words'; readonly words: readonly string[]; readonly list: boolean }
  | { readonly kind: 'file' }
  | { readonly kind: 'folder' }
  | { readonly kind: 'other' };

export interface OptionDefinition {
  /** `--split`, and `-d` where there is one. */
  readonly long: string;
  readonly short: string | undefined;
  readonly description: string;
  /** `undefined` when the option takes no value. */
  readonly value: (Values & { name: string }) | undefined;
}

export interface CommandDefinition {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionDefinition[];
  /** Its one argument, where it has one. */
  readonly argument: (Values & { name: string }) | undefined;
}

export interface ProgramDefinition {
  readonly options: readonly OptionDefinition[];
  readonly commands: readonly CommandDefinition[];
}

export function definitionsOf(program: Command): ProgramDefinition {
  return {
    options: optionsOf(program),
    commands: program.commands.map((command) => ({
      name: command.name(),
      summary: command.summary(),
      options: optionsOf(command),
      argument: command.registeredArguments.map(argumentOf)[0],
    })),
  };
}

function optionsOf(command: Command): OptionDefinition[] {
  // The help option is not among the options of a command, and is shown with them.
  return command
    .createHelp()
    .visibleOptions(command)
    .map((option) => ({
      long: option.long ?? option.flags,
      short: option.short,
      description: option.description,
      value: option.required || option.optional ? optionValue(option) : undefined,
    }));
}

function optionValue({ flags, parseArg }: Option): Values & { name: string } {
  const name = /[<[]([^>\]]+)[>\]]/.exec(flags)?.[1] ?? 'value';
  return { name, ...valuesOf(name, parseArg) };
}

function argumentOf(argument: Argument): Values & { name: string } {
  const name = argument.name();
  return { name, ...valuesOf(name, argument.parseArg) };
}

/** A parser may know its words; a name says `<folder>` or `<file>` where a path is meant. */
function valuesOf(name: string, parser: unknown): Values {
  const { words, list = false } = (parser ?? {}) as Partial<Words>;
  if (words) return { kind: 'words', words, list };
  if (name.includes('folder')) return { kind: 'folder' };
  return /file|places/.test(name) ? { kind: 'file' } : { kind: 'other' };
}
