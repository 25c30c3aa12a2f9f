/** Builds the program; turns errors into messages and exit codes. */
import { Command, CommanderError } from 'commander';
import { COMMANDS, type Context, printJson, printLine, readEnvironment } from './commands/index.js';
import { EXIT_CODES, messageOf, PcamError, printableLines, systemCode, VERSION } from './core/index.js';

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
async function createProgram(context: Context, asked: (name: string) => boolean): Promise<Command> {
  const program = new Command('pcam')
    .description(
      'Gets the PatchCamelyon data set onto a disk, proves that it is right, and turns it into what a training job reads.',
    )
    .version(VERSION, '-V, --version', 'print the version')
    .option('-d, --dir <folder>', 'the data set folder (or PCAM_DIR)')
    .option('--manifest <file>', 'a manifest in place of the built-in one (or PCAM_MANIFEST)')
    .addHelpText('after', EXAMPLES);
  for (const { name, summary, load } of COMMANDS) {
    const command = asked(name) ? await load(context) : new Command(name);
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

/**
 * Runs the command line.
 * @param argv without node and script
 * @returns the exit code
 */
export async function main(argv: readonly string[]): Promise<number> {
  const { stdout, stderr } = process;
  const stop = new AbortController();
  const context: Context = { stdout, stderr, env: readEnvironment(), signal: stop.signal, exitCode: 0 };
  const release = stopOnSignals(stop, context);
  // A reader that has seen enough (`pcam info | head`) is no error.
  stdout.on('error', (error) => {
    if (systemCode(error) !== 'EPIPE') throw error;
    stop.abort(new PcamError('ABORTED', 'nobody reads the output any more'));
  });
  try {
    const program = await createProgram(context, (name) => argv.includes(name));
    await program.parseAsync(argv, { from: 'user' });
    return context.exitCode;
  } catch (error) {
    return report(error, context, argv.includes('--json'));
  } finally {
    release();
  }
}

/** The first signal stops in good order, the second one at once. */
function stopOnSignals(stop: AbortController, { stderr }: Context): () => void {
  const reasons = {
    SIGINT: new PcamError('ABORTED', 'stopped by Ctrl-C', {
      hint: 'the same command goes on from what is there',
    }),
    SIGTERM: new PcamError('TERMINATED', 'stopped by SIGTERM', {
      hint: 'the same command goes on from what is there',
    }),
  };
  const listeners = Object.entries(reasons).map(([name, reason]) => {
    const listener = () => {
      if (stop.signal.aborted) process.exit(reason.exitCode);
      if (name === 'SIGINT') printLine(stderr, '\nstopping; once more stops at once');
      stop.abort(reason);
    };
    process.on(name, listener);
    return () => process.off(name, listener);
  });
  return () => {
    for (const remove of listeners) remove();
  };
}

function report(error: unknown, context: Context, json: boolean): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    const [message = '', ...more] = error.message.replace(/^error: /, '').split('\n');
    const hint = more.join(' ') || undefined;
    if (json) printJson(context, { ok: false, error: { code: 'USAGE', message, hint } });
    return EXIT_CODES.USAGE;
  }
  const known = error instanceof PcamError ? error : undefined;
  const { code, hint } = known ?? { code: 'INTERNAL' as const };
  const message = messageOf(error);
  if (json) printJson(context, { ok: false, error: { code, message, hint } });
  printLine(context.stderr, `pcam: ${message}`);
  if (hint) printLine(context.stderr, `  ${hint}`);
  if (!known) {
    printLine(context.stderr, '  this is a bug in pcam; please report it with the lines below');
    printLine(context.stderr, error instanceof Error ? (error.stack ?? '') : '');
  }
  return EXIT_CODES[code];
}
