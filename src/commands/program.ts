/** The program as commander sees it: commands, common options, help. */
import { Command } from 'commander';
import { printableLines, VERSION } from '../core/index.js';
import { COMMANDS } from './commands.js';
import type { Context } from './context/index.js';

const EXAMPLES = `
Examples:
  pcam download --split valid          fetch, verify and decompress one split into ./pcam
  pcam verify                          check what is there
  pcam export --split valid --format png   WebDataset shards of a split
  pcam download --help                 the options of a command

Exit codes: 0 done, 1 a bug in pcam, 2 wrong usage or a bad manifest, 3 the data is missing or wrong,
4 no source could deliver, 5 this machine said no, 130 / 143 stopped by Ctrl-C / SIGTERM.
`;

/** @param asked the commands to load; of the others, name and summary are enough */
export async function createProgram(context: Context, asked: (name: string) => boolean): Promise<Command> {
  const program = new Command('pcam')
    .description(
      'Gets the PatchCamelyon data set onto a disk, proves that it is right, and turns it into what a training job reads.',
    )
    .version(VERSION, '-V, --version', 'print the version')
    .option('-d, --dir <folder>', 'the data set folder (or PCAM_DIR)')
    .option('--manifest <file>', 'a manifest in place of the built-in one (or PCAM_MANIFEST)')
    .addHelpText('after', EXAMPLES);
  const all = COMMANDS.some(({ name, needsAll }) => needsAll && asked(name));
  for (const { name, summary, load } of COMMANDS) {
    const command = all || asked(name) ? await load(context) : new Command(name);
    program.addCommand(command.summary(summary));
  }
  for (const command of [program, ...program.commands]) {
    command
      .exitOverride()
      .showHelpAfterError('(add --help for what it takes)')
      .configureOutput({
        writeOut: (text) => void context.stdout.write(printableLines(text)),
        outputError: (text, write) => write(text.replace(/^error: /, 'pcam: ')),
        writeErr: (text) => void context.stderr.write(printableLines(text)),
      });
  }
  return program;
}
