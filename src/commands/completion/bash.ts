/** Completion for bash 3.2 and later. */
import type { CommandDefinition, OptionDefinition, ProgramDefinition, Values } from './definitions.js';

export function bashCompletion({ options, commands }: ProgramDefinition): string {
  const names = [...commands.map(({ name }) => name), 'help'].join(' ');
  const valued = options.filter(({ value }) => value).flatMap(flagsOf);
  return `# Completion for bash. In ~/.bashrc: eval "$(pcam completion bash)"
_pcam_words() {
  # shellcheck disable=SC2207
  COMPREPLY=($(compgen -W "$1" -- "$cur"))
}
_pcam_list() {
  local prefix='' word
  [[ $cur == *,* ]] && prefix=\${cur%,*},
  COMPREPLY=()
  for word in $1; do
    [[ $word == "\${cur##*,}"* && ,$prefix != *,"$word",* ]] && COMPREPLY+=("$prefix$word")
  done
  compopt -o nospace 2>/dev/null
}
_pcam_folder() {
  compopt +o default -o dirnames 2>/dev/null
}
_pcam_nothing() {
  compopt +o default 2>/dev/null
}
_pcam() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${valued.join('|')}) ((i++)) ;;
      -*) ;;
      *) command=\${COMP_WORDS[i]}; break ;;
    esac
  done
  # Bash takes --option=value for three words.
  if [[ $cur == = ]]; then cur=''
  elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  case "$command:$prev" in
${[...valueCases('', options), ...commands.flatMap(({ name, options: own }) => valueCases(name, own))].join('\n')}
  esac
  if [[ $cur == -* ]]; then
    case $command in
      '') _pcam_words '${options.flatMap(flagsOf).join(' ')}' ;;
${commands.map(({ name, options: own }) => `      ${name}) _pcam_words '${own.flatMap(flagsOf).join(' ')}' ;;`).join('\n')}
    esac
    return
  fi
  case $command in
    ''|help) _pcam_words '${names}' ;;
${commands.map(argumentCase).join('\n')}
  esac
}
complete -o bashdefault -o default -F _pcam pcam
`;
}

function flagsOf({ long, short }: OptionDefinition): string[] {
  return short ? [short, long] : [long];
}

function valueCases(command: string, options: readonly OptionDefinition[]): string[] {
  return options.flatMap((option) => {
    if (!option.value) return [];
    const patterns = flagsOf(option).map((flag) => `${command}:${flag}`);
    return [`    ${patterns.join('|')}) ${complete(option.value)}; return ;;`];
  });
}

function argumentCase({ name, argument }: CommandDefinition): string {
  return `    ${name}) ${argument ? complete(argument) : '_pcam_nothing'} ;;`;
}

function complete(values: Values): string {
  if (values.kind === 'words')
    return `${values.list ? '_pcam_list' : '_pcam_words'} '${values.words.join(' ')}'`;
  if (values.kind === 'folder') return '_pcam_folder';
  // Nothing found: bash offers files.
  return values.kind === 'file' ? ':' : '_pcam_nothing';
}
