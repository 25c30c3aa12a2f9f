/** `pcam browse`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { browse } from '../browse/index.js';
import { EXIT_CODES, LIMITS, PcamError } from '../core/index.js';
import { type Context, callOnSplits, printMessage, type SplitOptions, withAction } from './context.js';
import {
  addOutputOptions,
  addPatchOptions,
  addSplitOption,
  type PatchOptions,
  selectionOf,
  whole,
} from './options.js';

interface Options extends SplitOptions, PatchOptions {
  scores?: string;
  port?: number;
  open: boolean;
}

const EXAMPLES = `
The page is served on 127.0.0.1 alone, and the address carries a token. From another machine, forward the port:
ssh -L 8000:127.0.0.1:8000 host, with --port 8000 there.

Examples:
  pcam browse
  pcam browse --split valid --label 1
  pcam browse --split test --scores predictions.csv
`;

export function browseCommand(context: Context): Command {
  const command = addSplitOption(new Command('browse')).description(
    'Serves a page on this machine with the patches of the folder: grid, slides, filters, copies.',
  );
  addPatchOptions(command)
    .option('--scores <file>', 'lay predictions over the patches: a file as `score` takes it')
    .option('--port <n>', 'the port to listen on (default: a free one)', whole(LIMITS.port))
    .addOption(new Option('--host <name>').argParser(refuseHost).hideHelp())
    .option('--no-open', 'do not open a web browser')
    .addHelpText('after', EXAMPLES);
  return withAction<Options>(addOutputOptions(command), context, run);
}

/** People look for it: a page of all data that anybody on the network can open is not what they want. */
function refuseHost(): never {
  throw new InvalidArgumentError(
    'The page is served on 127.0.0.1 alone. From another machine: ssh -L 8000:127.0.0.1:8000 HOST, with --port 8000 there.',
  );
}

async function run(options: Options, context: Context): Promise<void> {
  const { port, scores, json, open } = options;
  const page = await callOnSplits(context, options, (shared) =>
    browse({ ...shared, selection: selectionOf(options), scores, port, calledAs: context.env.calledAs }),
  );
  try {
    if (json) context.stdout.write(`${JSON.stringify({ ok: true, url: page.url })}\n`);
    else announce(context, page.url);
    if (open && !json && context.env.desktop) openBrowser(page.url);
    if (!context.signal.aborted) await once(context.signal, 'abort');
  } finally {
    await page.close();
  }
  // Ctrl-C is how this command ends: nothing went wrong, and nothing is to be resumed.
  const { reason } = context.signal;
  context.exitCode = reason instanceof PcamError ? reason.exitCode : EXIT_CODES.ABORTED;
}

function announce(context: Context, url: string): void {
  context.stdout.write(`${url}\n`);
  if (context.env.remote) {
    const { port } = new URL(url);
    printMessage(context, 'This machine is remote: run this on yours, then open the address there.');
    printMessage(context, `  ssh -L ${port}:127.0.0.1:${port} ${hostname()}`);
  }
  printMessage(context, 'Press Ctrl-C to end.');
}

/** Opens the page in the web browser of the desktop. */
function openBrowser(url: string): void {
  const [program, ...words] =
    process.platform === 'darwin'
      ? ['open', url]
      : process.platform === 'win32'
        ? ['rundll32', 'url.dll,FileProtocolHandler', url]
        : ['xdg-open', url];
  spawn(program!, words, { stdio: 'ignore', detached: true })
    .on('error', () => {})
    .unref();
}
