/** `pcam report`. */
import { Command } from 'commander';
import { DEFAULTS, formatBytes } from '../core/index.js';
import {
  type Context,
  callOnSplits,
  printJson,
  printMessage,
  type SplitOptions,
  withAction,
} from './context.js';
import { printNext } from './hints.js';
import { addOutputOptions, addSplitOption } from './options.js';

interface Options extends SplitOptions {
  out: string;
}

const EXAMPLES = `
The page has no scripts and loads nothing: mail it, print it, or put it beside a paper. It shows whether the files are
those of the manifest, a contact sheet, duplicates, what the splits share, slides with maps of their patches, and color.

Examples:
  pcam report
  pcam report --split valid,test -o heldout.html
`;

export function reportCommand(context: Context): Command {
  const command = addSplitOption(new Command('report'))
    .description(
      'Writes one HTML page that says what is in the data set, with pictures: for people, not for programs.',
    )
    .option('-o, --out <file>', 'the file to write', DEFAULTS.report)
    .addHelpText('after', EXAMPLES);
  return withAction<Options>(addOutputOptions(command), context, run);
}

async function run(options: Options, context: Context): Promise<void> {
  const { report } = await import('../explore/report/report.js');
  const { out, json, split } = options;
  const result = await callOnSplits(context, options, (shared) => report({ ...shared, out }));
  if (json) return printJson(context, result);
  printMessage(context, `${out}: ${formatBytes(result.bytes)}; open it in a browser.`);
  const next = { command: 'export', format: 'png', shuffle: true, splits: split } as const;
  printNext(context, 'Turn the data into shards for training', next);
}
