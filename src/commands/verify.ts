/** `pcam verify`. */
import { Command } from 'commander';
import { EXIT_CODES } from '../core/index.js';
import { type Kind, resolveManifest, type SplitName } from '../manifest/index.js';
import {
  addCommonOptions,
  type CommonOptions,
  type Context,
  optionsOf,
  printJson,
  printLine,
  withProgress,
} from './context/index.js';
import { addSelectionOptions } from './options/index.js';

interface Options extends CommonOptions {
  split?: SplitName[];
  kind?: Kind[];
  quick?: boolean;
  deep?: boolean;
  fix?: boolean;
  json?: boolean;
}

const EXAMPLES = `
Status of a file:
  ok        its bytes are right
  missing   nothing is there
  partial   the beginning is there
  corrupt   its bytes are wrong
  swapped   its bytes are those of another file of the data set: --fix renames it back

Examples:
  pcam verify                        read and check everything that is there
  pcam verify --quick --split valid  only look whether something changed since the last check
  pcam verify --deep                 look into the HDF5 and CSV files as well
`;

export function verifyCommand(context: Context): Command {
  const command = addSelectionOptions(new Command('verify'))
    .description(
      'Reads what is in the data set folder and compares it with the digests of the manifest. Exit code 3 when something is missing or wrong.',
    )
    .option('--quick', 'trust earlier checks of files whose size and mtime are the same')
    .option('--deep', 'open the HDF5 and CSV files: shapes, types, labels, rows, slides')
    .option('--fix', 'rename swapped files back')
    .option('--json', 'print one JSON document on stdout')
    .addHelpText('after', EXAMPLES);
  addCommonOptions(command, context);
  return command.action(async () => run(optionsOf<Options>(command), context));
}

async function run(options: Options, context: Context): Promise<void> {
  const [{ verify }, { table }] = await Promise.all([
    import('../verify/index.js'),
    import('../report/index.js'),
  ]);
  const manifest = await resolveManifest(options.manifest);
  const { split, kind, json, ...rest } = options;
  const result = await withProgress(context, { quiet: !context.stderr.isTTY }, (onEvent) =>
    verify({ ...rest, manifest, splits: split, kinds: kind, signal: context.signal, onEvent }),
  );
  if (!result.ok) context.exitCode = EXIT_CODES.MISSING;
  if (json) return printJson(context, result);
  printLine(context.stdout, table(result.files.map(({ status, name, hint = '' }) => [status, name, hint])));
  for (const { level, message } of result.findings) printLine(context.stdout, `${level}: ${message}`);
}
