/** `pcam report`. */
import { Command } from 'commander';
import { DEFAULTS, formatBytes } from '../core/index.js';
import type { SplitName } from '../manifest/index.js';
import {
  addCommonOptions,
  type CommonOptions,
  type Context,
  optionsOf,
  printJson,
  printLine,
  withProgress,
} from './context/index.js';
import { splits } from './options/index.js';

interface Options extends CommonOptions {
  split?: SplitName[];
  out: string;
  json?: boolean;
}

const EXAMPLES = `
The page has no scripts and loads nothing: mail it, print it, or put it beside a paper. It shows whether the files are
those of the manifest, a contact sheet, duplicates, what the splits share, slides with maps of their patches, and color.

Examples:
  pcam report
  pcam report --split valid,test -o heldout.html
`;

export function reportCommand(context: Context): Command {
  const command = new Command('report')
    .description(
      'Writes one HTML page that says what is in the data set, with pictures: for people, not for programs.',
    )
    .option('--split <names>', 'train, valid, test (default: those in the folder)', splits)
    .option('-o, --out <file>', 'the file to write', DEFAULTS.report)
    .option('--json', 'print one JSON document on stdout')
    .addHelpText('after', EXAMPLES);
  addCommonOptions(command, context);
  return command.action(async () => run(optionsOf<Options>(command, context), context));
}

async function run({ dir, manifest, split, out, json }: Options, context: Context): Promise<void> {
  const { report } = await import('../explore/report/index.js');
  const quiet = json && !context.stderr.isTTY;
  const result = await withProgress(context, { quiet }, (onEvent) =>
    report({ dir, manifest, splits: split, out, signal: context.signal, onEvent }),
  );
  if (json) return printJson(context, result);
  printLine(context.stderr, `${out}: ${formatBytes(result.bytes)}; open it in a browser`);
}
