/** `pcam completion`. */
import { Argument, Command } from 'commander';
import {
  bashCompletion,
  definitionsOf,
  fishCompletion,
  type ProgramDefinition,
  zshCompletion,
} from './completion/index.js';
import type { Context } from './context/index.js';
import { choice } from './options/index.js';

const SHELLS: Record<string, (program: ProgramDefinition) => string> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

const EXAMPLES = `
Examples:
  eval "$(pcam completion bash)"             in ~/.bashrc
  eval "$(pcam completion zsh)"              in ~/.zshrc, after compinit
  pcam completion fish | source              in ~/.config/fish/config.fish
`;

export function completionCommand(context: Context): Command {
  const names = Object.keys(SHELLS);
  const command = new Command('completion')
    .description('Prints a script with which a shell completes commands, options and their values.')
    .addArgument(new Argument('<shell>', names.join(', ')).argParser(choice(names)))
    .addHelpText('after', EXAMPLES);
  return command.action((shell: string) => {
    context.stdout.write(SHELLS[shell]!(definitionsOf(command.parent!)));
  });
}
