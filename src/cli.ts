/** Runs the command line; turns errors into messages and exit codes. */
import { spawn } from 'node:child_process';
import { CommanderError } from 'commander';
import { type Context, printJson, printMessage } from './commands/context.js';
import { readEnvironment } from './commands/environment.js';
import { jsonError, printError } from './commands/hints.js';
import { createProgram } from './commands/program.js';
import { EXIT_CODES, factsOf, PcamError, systemCode } from './core/index.js';

const STOPPING = 'Stopping… press Ctrl-C again to quit now';

/**
 * How long a command may take to stop in good order, 1.7 s. Counted in ticks: on a machine so busy that they come late,
 * the command gets as little of the processor, and more time.
 */
const MAX_STOP = { ticks: 85, tickMs: 20 };

/** The parts of a process that its program uses. */
export interface Surroundings {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: NodeJS.ProcessEnv;
  readonly argv: readonly string[];
}

/**
 * Runs the command line.
 * @param argv without node and script
 * @param surroundings streams and environment, for a caller that captures the output
 * @returns the exit code
 */
export async function main(argv: readonly string[], surroundings: Surroundings = process): Promise<number> {
  const { stdout, stderr, env, argv: called } = surroundings;
  const stop = new AbortController();
  const context: Context = {
    stdout,
    stderr,
    env: readEnvironment(env, called[1] ?? ''),
    signal: stop.signal,
    argv,
    given: {},
    progress: wantsJsonEvents(argv) ? 'json' : 'auto',
    quiet: false,
    exitCode: 0,
  };
  const release = stopOnSignals(stop, context);
  const output = watchOutput(stop, context);
  try {
    const program = await createProgram(context, argv);
    const isVersion = argv.length === 1 && argv[0] === '-v';
    await program.parseAsync(isVersion ? ['--version'] : argv, { from: 'user' });
    await output.written();
    return context.exitCode;
  } catch (error) {
    return report(error, context, argv.includes('--json'));
  } finally {
    release();
  }
}

/** Stops the command when the reader of stdout is gone; `written` resolves when all output is written. */
function watchOutput(stop: AbortController, { stdout, stderr }: Context): { written(): Promise<void> } {
  // Messages that are lost, with a closed terminal or a full disk under a log file, do not end the work.
  stderr.on('error', () => {});
  let failure: unknown;
  stdout.on('error', (error) => {
    // A reader that has seen enough (`pcam info | head`) is no error.
    if (systemCode(error) === 'EPIPE')
      stop.abort(new PcamError('ABORTED', 'the reader of the output has closed it'));
    else failure ??= error;
  });
  return {
    async written() {
      await new Promise<void>((resolve) => void stdout.write('', () => resolve()));
      if (failure === undefined) return;
      throw new PcamError('IO', `the output could not be written (${systemCode(failure)})`, {
        cause: failure,
        hint: 'make room for it, or write it elsewhere; what the command did is done',
      });
    },
  };
}

/** The first signal stops cleanly, the second one at once. */
function stopOnSignals(stop: AbortController, context: Context): () => void {
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
      if (stop.signal.aborted) endNow(name as NodeJS.Signals, reason.exitCode);
      // The terminal has written ^C where the cursor is: below the bars, or in a line of text.
      if (name === 'SIGINT') {
        printMessage(context, context.say ? STOPPING : `\n${STOPPING}`);
      }
      stop.abort(reason);
      // A disk or a library may hang; the next run finds the lock of a process that has ended.
      const tick = (left: number) => {
        if (left === 0) endNow(name as NodeJS.Signals, reason.exitCode);
        setTimeout(tick, MAX_STOP.tickMs, left - 1).unref();
      };
      tick(MAX_STOP.ticks);
    };
    process.on(name, listener);
    return () => process.off(name, listener);
  });
  return () => {
    for (const remove of listeners) remove();
  };
}

/**
 * Ends the process at once. `process.exit` waits for threads (https://github.com/libuv/libuv/issues/364), and one that
 * reads from a disk that does not answer never ends: then a helper ends the process, with the signal.
 */
function endNow(signal: NodeJS.Signals, exitCode: number): void {
  process.removeAllListeners(signal);
  if (process.platform !== 'win32') {
    const end = `sleep 0.5; kill -s ${signal.slice(3)} ${process.pid}; sleep 0.5; kill -s KILL ${process.pid}`;
    spawn('sh', ['-c', end], { stdio: 'ignore', detached: true })
      .on('error', () => {})
      .unref();
  }
  process.exit(exitCode);
}

/** Known before the options are parsed, as an error in them is an event too. */
function wantsJsonEvents(argv: readonly string[]): boolean {
  return (
    argv.includes('--progress=json') ||
    argv.some((word, i) => word === 'json' && argv[i - 1] === '--progress')
  );
}

function report(error: unknown, context: Context, json: boolean): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    const [message = '', ...more] = error.message.replace(/^error: /, '').split('\n');
    const hint = more.join(' ').replace(/^\((.*)\)$/, '$1') || undefined;
    if (json) printJson(context, { ok: false, error: { code: 'USAGE', message, hint } });
    // In words, commander has printed it.
    if (context.progress === 'json') printError(context, { code: 'USAGE', message, hint });
    return EXIT_CODES.USAGE;
  }
  const facts = factsOf(error);
  if (json) printJson(context, { ok: false, error: jsonError(context, facts) });
  printError(context, facts);
  if (facts.code === 'INTERNAL' && !(error instanceof PcamError)) {
    const stack = error instanceof Error ? (error.stack ?? '') : '';
    context.quiet = false;
    printMessage(context, `  this is a bug in pcam; please report it with the lines below\n${stack}`);
  }
  return EXIT_CODES[facts.code];
}
