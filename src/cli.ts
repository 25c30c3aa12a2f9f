/** Runs the command line; turns errors into messages and exit codes. */
import { CommanderError } from 'commander';
import {
  type Context,
  createProgram,
  jsonError,
  printError,
  printJson,
  printLine,
  readEnvironment,
} from './commands/index.js';
import { EXIT_CODES, factsOf, PcamError, systemCode } from './core/index.js';

/**
 * Runs the command line.
 * @param argv without node and script
 * @returns the exit code
 */
export async function main(argv: readonly string[]): Promise<number> {
  const { stdout, stderr } = process;
  const stop = new AbortController();
  const context: Context = {
    stdout,
    stderr,
    env: readEnvironment(),
    signal: stop.signal,
    given: {},
    exitCode: 0,
  };
  const release = stopOnSignals(stop, context);
  // A reader that has seen enough (`pcam info | head`) is no error.
  stdout.on('error', (error) => {
    if (systemCode(error) !== 'EPIPE') throw error;
    stop.abort(new PcamError('ABORTED', 'the reader of the output is gone'));
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
      hint: 'run the same command again to resume',
    }),
    SIGTERM: new PcamError('TERMINATED', 'stopped by SIGTERM', {
      hint: 'run the same command again to resume',
    }),
  };
  const listeners = Object.entries(reasons).map(([name, reason]) => {
    const listener = () => {
      if (stop.signal.aborted) process.exit(reason.exitCode);
      if (name === 'SIGINT') printLine(stderr, '\nStopping… press Ctrl-C again to quit now');
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
  const facts = factsOf(error);
  if (json) printJson(context, { ok: false, error: jsonError(context, facts) });
  printError(context, facts);
  if (!(error instanceof PcamError)) {
    printLine(context.stderr, '  this is a bug in pcam; please report it with the lines below');
    printLine(context.stderr, error instanceof Error ? (error.stack ?? '') : '');
  }
  return EXIT_CODES[facts.code];
}
