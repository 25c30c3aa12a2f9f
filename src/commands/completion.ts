/** `pcam completion`: prints a script that `npm run docs` has written from the definitions of the command line. */
import { Argument, Command } from 'commander';
import { assetText } from '../core/index.js';
import type { Context } from './context.js';
import { choice } from './options.js';

const EXAMPLES = `
Examples:
  eval "$(pcam completion bash)"             in ~/.bashrc
  eval "$(pcam completion zsh)"              in ~/.zshrc, after compinit
  pcam completion fish | source              in ~/.config/fish/config.fish
`;

export function completionCommand(context: Context): Command {
  const shells = ['bash', 'zsh', 'fish'];
  return new Command('completion')
    .description('Prints a script with which a shell completes commands, options and their values.')
    .addArgument(new Argument('<shell>', shells.join(', ')).argParser(choice(shells)))
    .addHelpText('after', EXAMPLES)
    .action((shell: string) => void context.stdout.write(assetText(`completion/pcam.${shell}`)));
}
