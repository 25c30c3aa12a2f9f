/** Completion for zsh, with its own _arguments. */
import type { OptionDefinition, ProgramDefinition, Values } from './definitions.js';

export function zshCompletion({ options, commands }: ProgramDefinition): string {
  return `#compdef pcam
# Completion for zsh. In ~/.zshrc, after compinit: eval "$(pcam completion zsh)"
_pcam() {
  local context state state_descr line
  typeset -A opt_args
  _arguments -C -S \\
${options.map((option) => `    ${argument(option)} \\`).join('\n')}
    '1:command:->command' \\
    '*::argument:->argument'
  case $state in
    command)
      local -a commands
      commands=(
${commands.map(({ name, summary }) => `        ${quote(`${name}:${summary}`)}`).join('\n')}
        'help:show the help of a command'
      )
      _describe -t commands command commands
      ;;
    argument)
      case $line[1] in
${commands.map(commandCase).join('\n')}
        help) _arguments '1:command:(${commands.map(({ name }) => name).join(' ')})' ;;
      esac
      ;;
  esac
}
if [ "$funcstack[1]" = _pcam ]; then
  _pcam "$@"
else
  compdef _pcam pcam
fi
`;
}

function commandCase({ name, options, argument: own }: ProgramDefinition['commands'][number]): string {
  const lines = options.map(argument);
  if (own) lines.push(quote(`1:${plain(own.name)}:${complete(own)}`));
  return `        ${name})\n          _arguments -S \\\n${lines.map((line) => `            ${line}`).join(' \\\n')}\n          ;;`;
}

/** One argument of _arguments; `*` lets an option be repeated. */
function argument({ long, short, description, value }: OptionDefinition): string {
  const list = value?.kind === 'words' && value.list;
  const help = `[${plain(description)}]${value ? `:${plain(value.name)}:${complete(value)}` : ''}`;
  if (!short) return quote(`${list ? '*' : ''}${long}${value ? '=' : ''}${help}`);
  return `${quote(`(${short} ${long})`)}{${short},${long}${value ? '=' : ''}}${quote(help)}`;
}

function complete(values: Values): string {
  if (values.kind === 'words') {
    const words = values.words.map(plain).join(' ');
    return values.list ? `_values -s , value ${words}` : `(${words})`;
  }
  if (values.kind === 'folder') return '_files -/';
  return values.kind === 'file' ? '_files' : ' ';
}

function plain(text: string): string {
  return text.replace(/[[\]:\\]/g, '\\$&');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
