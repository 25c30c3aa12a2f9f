/** The completion scripts for bash, zsh and fish, from the definitions of the command line. */

/** @param program the commander program with every command loaded @returns the script of each shell, by its name */
export function completionScripts(program) {
  const definitions = {
    options: optionsOf(program),
    commands: program.commands.map((command) => ({
      name: command.name(),
      summary: command.summary(),
      options: optionsOf(command),
      // No command has more than one.
      argument: command.registeredArguments.map((one) => completedBy(one.name(), one.parseArg))[0],
    })),
  };
  return {
    bash: bashCompletion(definitions),
    zsh: zshCompletion(definitions),
    fish: fishCompletion(definitions),
  };
}

/** The help option is not among the options of a command, and is shown with them. */
function optionsOf(command) {
  return command
    .createHelp()
    .visibleOptions(command)
    .map(({ long, short, flags, description, required, optional, parseArg }) => ({
      long: long ?? flags,
      short,
      description,
      value:
        required || optional
          ? completedBy(/[<[]([^>\]]+)[>\]]/.exec(flags)?.[1] ?? 'value', parseArg)
          : undefined,
    }));
}

/** A value is one of `words`, a list of them, a `file`, a `folder` or something else: by its parser, then by its name. */
function completedBy(name, parser) {
  const { words, list = false } = parser ?? {};
  if (words) return { name, kind: 'words', words, list };
  if (name.includes('folder')) return { name, kind: 'folder' };
  return { name, kind: /file|places/.test(name) ? 'file' : 'other' };
}

/** For bash 3.2 and later. */
function bashCompletion({ options, commands }) {
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

function flagsOf({ long, short }) {
  return short ? [short, long] : [long];
}

function valueCases(command, options) {
  return options.flatMap((option) => {
    if (!option.value) return [];
    const patterns = flagsOf(option).map((flag) => `${command}:${flag}`);
    return [`    ${patterns.join('|')}) ${bashValues(option.value)}; return ;;`];
  });
}

function argumentCase({ name, argument }) {
  return `    ${name}) ${argument ? bashValues(argument) : '_pcam_nothing'} ;;`;
}

function bashValues(values) {
  if (values.kind === 'words')
    return `${values.list ? '_pcam_list' : '_pcam_words'} '${values.words.join(' ')}'`;
  if (values.kind === 'folder') return '_pcam_folder';
  // Nothing found: bash offers files.
  return values.kind === 'file' ? ':' : '_pcam_nothing';
}

/** For fish 3 and later. */
function fishCompletion({ options, commands }) {
  const names = commands.map(({ name }) => name);
  const lines = [
    '# Completion for fish. In ~/.config/fish/config.fish: pcam completion fish | source',
    'complete -c pcam -e',
    'complete -c pcam -f',
    ...options.map((option) => fishLine('__fish_use_subcommand', fishOption(option))),
    ...commands.map(({ name, summary }) =>
      fishLine('__fish_use_subcommand', ['-a', name, '-d', fishQuote(summary)]),
    ),
    fishLine('__fish_use_subcommand', ['-a', 'help', '-d', fishQuote('show the help of a command')]),
    fishLine('__fish_seen_subcommand_from help', ['-a', fishQuote(names.join(' '))]),
    ...commands.flatMap(({ name, options: own, argument }) => {
      const condition = `__fish_seen_subcommand_from ${name}`;
      const all = own.map((option) => fishLine(condition, fishOption(option)));
      return argument ? [...all, fishLine(condition, fishValues(argument))] : all;
    }),
  ];
  return `${lines.join('\n')}\n`;
}

function fishLine(condition, words) {
  return ['complete', '-c', 'pcam', '-n', fishQuote(condition), ...words].join(' ');
}

function fishOption({ long, short, description, value }) {
  const names = [...(short ? ['-s', short.slice(1)] : []), '-l', long.slice(2)];
  return [...names, ...(value ? ['-r', ...fishValues(value)] : []), '-d', fishQuote(description)];
}

function fishValues(values) {
  if (values.kind === 'file') return ['-F'];
  if (values.kind === 'folder') return ['-f', '-a', fishQuote('(__fish_complete_directories)')];
  if (values.kind === 'other') return ['-f'];
  const words = values.words.join(' ');
  if (!values.list) return ['-f', '-a', fishQuote(words)];
  return ['-f', '-a', fishQuote(`(__fish_complete_list , "printf '%s\\n' ${words}")`)];
}

function fishQuote(text) {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}

/** For zsh, with its own _arguments. */
function zshCompletion({ options, commands }) {
  return `#compdef pcam
# Completion for zsh. In ~/.zshrc, after compinit: eval "$(pcam completion zsh)"
_pcam() {
  local context state state_descr line
  typeset -A opt_args
  _arguments -C -S \\
${options.map((option) => `    ${zshArgument(option)} \\`).join('\n')}
    '1:command:->command' \\
    '*::argument:->argument'
  case $state in
    command)
      local -a commands
      commands=(
${commands.map(({ name, summary }) => `        ${zshQuote(`${name}:${summary}`)}`).join('\n')}
        'help:show the help of a command'
      )
      _describe -t commands command commands
      ;;
    argument)
      case $line[1] in
${commands.map(zshCommand).join('\n')}
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

function zshCommand({ name, options, argument: own }) {
  const lines = options.map(zshArgument);
  if (own) lines.push(zshQuote(`1:${zshPlain(own.name)}:${zshValues(own)}`));
  return `        ${name})\n          _arguments -S \\\n${lines.map((line) => `            ${line}`).join(' \\\n')}\n          ;;`;
}

/** One argument of _arguments; `*` lets an option be repeated. */
function zshArgument({ long, short, description, value }) {
  const list = value?.kind === 'words' && value.list;
  const help = `[${zshPlain(description)}]${value ? `:${zshPlain(value.name)}:${zshValues(value)}` : ''}`;
  if (!short) return zshQuote(`${list ? '*' : ''}${long}${value ? '=' : ''}${help}`);
  return `${zshQuote(`(${short} ${long})`)}{${short},${long}${value ? '=' : ''}}${zshQuote(help)}`;
}

function zshValues(values) {
  if (values.kind === 'words') {
    const words = values.words.map(zshPlain).join(' ');
    return values.list ? `_values -s , value ${words}` : `(${words})`;
  }
  if (values.kind === 'folder') return '_files -/';
  return values.kind === 'file' ? '_files' : ' ';
}

function zshPlain(text) {
  return text.replace(/[[\]:\\]/g, '\\$&');
}

function zshQuote(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
