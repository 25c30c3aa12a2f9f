/** The program as commander sees it: commands, common options, help. */
import { Command } from 'commander';
import type { Context } from '../commands/context/index.js';
import { COMMANDS } from '../commands/index.js';
import { printableLines, VERSION, wrapText } from '../core/index.js';

const HELP_WIDTH = 80;

const EXAMPLES = `
Examples:
  pcam download --split valid     fetch, verify and decompress one split
  pcam verify                     check what is there
  pcam export --format png        WebDataset shards
  pcam download --help            the options of a command

Exit codes:
  0 done                          3 the data is missing or wrong
  1 a bug in pcam                 4 no source could deliver
  2 wrong usage or manifest       5 local error (disk, permissions, lock)
  130 / 143 stopped by Ctrl-C / SIGTERM
`;

/** @param argv the commands in it are loaded; of the others, name and summary are enough. Absent: all are. */
export async function createProgram(context: Context, argv?: readonly string[]): Promise<Command> {
  const program = new Command('pcam')
    .description(
      'Gets the PatchCamelyon data set onto a disk, proves that it is right, and turns it into what a training job reads.',
    )
    .version(VERSION, '-v, --version', 'print the version')
    .option('-d, --dir <folder>', 'the data set folder (or PCAM_DIR)')
    .option('--manifest <file>', 'a manifest in place of the built-in one (or PCAM_MANIFEST)')
    .addHelpText('after', EXAMPLES);
  if (argv && isBare(argv)) program.action(() => showState(program, context));
  const asked = (name: string) => argv === undefined || argv.includes(name);
  const all = COMMANDS.some(({ name, needsAll }) => needsAll && asked(name));
  for (const { name, summary, load } of COMMANDS) {
    const command = all || asked(name) ? await load(context) : new Command(name);
    program.addCommand(command.summary(summary));
  }
  for (const command of [program, ...program.commands]) {
    command
      .exitOverride()
      .showHelpAfterError(
        `(see ${[context.env.calledAs, ...(command === program ? [] : [command.name()])].join(' ')} --help)`,
      )
      .configureOutput({
        writeOut: (text) => void context.stdout.write(printableLines(reflow(text))),
        outputError: (text, write) => write(text.replace(/^error: /, 'pcam: ')),
        writeErr: (text) => void context.stderr.write(printableLines(text)),
      });
  }
  return program;
}

/** Nothing was asked for but, perhaps, a folder or a manifest to look at. */
function isBare(argv: readonly string[]): boolean {
  const rest = argv.filter((word) => !/^(-d|--dir|--manifest)=/.test(word));
  while (/^(-d|--dir|--manifest)$/.test(rest[0] ?? '') && rest.length > 1) rest.splice(0, 2);
  return rest.length === 0;
}

async function showState(program: Command, context: Context): Promise<void> {
  const { printState } = await import('../commands/texts/index.js');
  await printState(program, context);
}

/** Paragraphs in lines of at most 80 columns. Indented lines stay as they are: examples, lists, options. */
function reflow(text: string): string {
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    const before = lines.at(-1) ?? '';
    const continues = /^\S/.test(line) && /^\S.{60}/.test(before);
    if (continues) lines[lines.length - 1] = `${before} ${line}`;
    else lines.push(line);
  }
  const fit = (line: string) =>
    /^\S/.test(line) ? wrapText(line, HELP_WIDTH + 1).map((part) => part.trimStart()) : [line];
  return lines.flatMap(fit).join('\n');
}
