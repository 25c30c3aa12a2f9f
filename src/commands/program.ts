/** The command line as commander sees it: the commands, the common options, help, and `pcam` alone. */
import { Command } from 'commander';
import { nearest, printable, printableLines, VERSION, wrapText } from '../core/index.js';
import type { Context } from './context.js';

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

interface CommandEntry {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  readonly aliases?: readonly string[];
  /** Loads the command and what it needs: most of the time of a short run, so only for the command that was typed. */
  load(context: Context): Promise<Command>;
}

/** In the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'download',
    summary: 'fetch, verify and decompress the data set',
    load: async (context) => (await import('./download.js')).downloadCommand(context),
  },
  {
    name: 'verify',
    summary: 'check the files in the data set folder',
    load: async (context) => (await import('./verify.js')).verifyCommand(context),
  },
  {
    name: 'export',
    summary: 'turn the data set into what training jobs read',
    load: async (context) => (await import('./export.js')).exportCommand(context),
  },
  {
    name: 'stats',
    summary: 'count and measure: classes, slides, duplicates, channels',
    load: async (context) => (await import('./stats.js')).statsCommand(context),
  },
  {
    name: 'subset',
    summary: 'write selected patches as a small data set of their own',
    load: async (context) => (await import('./subset.js')).subsetCommand(context),
  },
  {
    name: 'preview',
    summary: 'show a contact sheet of patches, on the terminal or as a PNG file',
    load: async (context) => (await import('./preview.js')).previewCommand(context),
  },
  {
    name: 'report',
    summary: 'write one HTML page about the data set',
    load: async (context) => (await import('./report.js')).reportCommand(context),
  },
  {
    name: 'score',
    summary: "measure a model's predictions, with intervals that take slides into account",
    load: async (context) => (await import('./score.js')).scoreCommand(context),
  },
  {
    name: 'browse',
    summary: 'walk through the patches in a web browser',
    load: async (context) => (await import('./browse.js')).browseCommand(context),
  },
  {
    name: 'info',
    summary: 'show the files, their digests and sources, and their state in the folder',
    aliases: ['status', 'ls'],
    load: async (context) => (await import('./info.js')).infoCommand(context),
  },
  {
    name: 'cache-key',
    summary: 'print a key for a CI cache',
    load: async (context) => (await import('./cache-key.js')).cacheKeyCommand(context),
  },
  {
    name: 'fixture',
    summary: 'make a small synthetic data set, for tests and trials',
    load: async (context) => (await import('./fixture.js')).fixtureCommand(context),
  },
  {
    name: 'completion',
    summary: 'print a completion script for bash, zsh or fish',
    load: async (context) => (await import('./completion.js')).completionCommand(context),
  },
];

/** Words that people try in place of a command. */
const MEANT: Record<string, string> = { list: 'info', version: '--version' };

/** @param argv the commands named in it are loaded; the others have a name and a summary only. Absent: all are loaded. */
export async function createProgram(context: Context, argv?: readonly string[]): Promise<Command> {
  const program = new Command('pcam')
    .description(
      'Gets the PatchCamelyon data set onto a disk, proves that it is right, and turns it into what a training job reads.',
    )
    .version(VERSION, '-V, --version', 'print the version')
    .option('-d, --dir <folder>', 'the data set folder (or PCAM_DIR)')
    .option('--manifest <file>', 'a manifest in place of the built-in one (or PCAM_MANIFEST)')
    .addHelpText('after', EXAMPLES)
    // An option of the program after a command is a mistake: `pcam verify --version` would verify nothing.
    .enablePositionalOptions();
  if (argv && isBare(argv)) program.action(() => showState(program, context));
  for (const { name, summary, aliases = [], load } of COMMANDS) {
    const asked = argv === undefined || [name, ...aliases].some((word) => argv.includes(word));
    const command = asked ? await load(context) : new Command(name);
    program.addCommand(command.summary(summary).aliases(aliases));
  }
  for (const command of [program, ...program.commands]) {
    const words = command === program ? [] : [command.name()];
    command
      .exitOverride()
      .showHelpAfterError(`(see ${[context.env.calledAs, ...words].join(' ')} --help)`)
      .configureOutput({
        writeOut: (text) => void context.stdout.write(printableLines(reflow(text))),
        outputError: (text, write) => write(text.replace(/^error: /, 'pcam: ')),
        // As an event, cli.ts prints it.
        writeErr: (text) => {
          if (context.progress !== 'json') context.stderr.write(printableLines(text));
        },
      });
  }
  program.on('command:*', ([word]: string[]) => refuseCommand(program, word!));
  if (argv?.[0] === 'help' && argv[1] !== undefined && !isCommand(argv[1])) refuseCommand(program, argv[1]);
  return program;
}

function isCommand(word: string): boolean {
  return COMMANDS.some(({ name, aliases = [] }) => name === word || aliases.includes(word));
}

function refuseCommand(program: Command, word: string): void {
  const names = COMMANDS.map(({ name }) => name);
  const meant = Object.hasOwn(MEANT, word) ? MEANT[word] : nearest(word, [...names, 'help']);
  const hint = meant === undefined ? '' : `\n(Did you mean ${meant}?)`;
  program.error(`error: unknown command '${printable(word, 100)}'${hint}`);
}

/** Nothing but, perhaps, the folder or the manifest was named. */
function isBare(argv: readonly string[]): boolean {
  const rest = argv.filter((word) => !/^(-d|--dir|--manifest)=/.test(word));
  while (/^(-d|--dir|--manifest)$/.test(rest[0] ?? '') && rest.length > 1) rest.splice(0, 2);
  return rest.length === 0;
}

async function showState(program: Command, context: Context): Promise<void> {
  const { printState } = await import('./info.js');
  await printState(program.opts(), context);
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
