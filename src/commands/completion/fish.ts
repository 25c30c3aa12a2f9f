/** Completion for fish 3 and later. */
import type { OptionDefinition, ProgramDefinition, Values } from './definitions.js';

export function fishCompletion({ options, commands }: ProgramDefinition): string {
  const names = commands.map(({ name }) => name);
  const lines = [
    '# Completion for fish. In ~/.config/fish/config.fish: pcam completion fish | source',
    'complete -c pcam -e',
    'complete -c pcam -f',
    ...options.map((option) => line('__fish_use_subcommand', optionWords(option))),
    ...commands.map(({ name, summary }) => line('__fish_use_subcommand', ['-a', name, '-d', quote(summary)])),
    line('__fish_use_subcommand', ['-a', 'help', '-d', quote('show the help of a command')]),
    line('__fish_seen_subcommand_from help', ['-a', quote(names.join(' '))]),
    ...commands.flatMap(({ name, options: own, argument }) => {
      const condition = `__fish_seen_subcommand_from ${name}`;
      const all = own.map((option) => line(condition, optionWords(option)));
      return argument ? [...all, line(condition, complete(argument))] : all;
    }),
  ];
  return `${lines.join('\n')}\n`;
}

function line(condition: string, words: readonly string[]): string {
  return ['complete', '-c', 'pcam', '-n', quote(condition), ...words].join(' ');
}

function optionWords({ long, short, description, value }: OptionDefinition): string[] {
  const names = [...(short ? ['-s', short.slice(1)] : []), '-l', long.slice(2)];
  return [...names, ...(value ? ['-r', ...complete(value)] : []), '-d', quote(description)];
}

function complete(values: Values): string[] {
  if (values.kind === 'file') return ['-F'];
  if (values.kind === 'folder') return ['-f', '-a', quote('(__fish_complete_directories)')];
  if (values.kind === 'other') return ['-f'];
  const words = values.words.join(' ');
  if (!values.list) return ['-f', '-a', quote(words)];
  return ['-f', '-a', quote(`(__fish_complete_list , "printf '%s\\n' ${words}")`)];
}

function quote(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
