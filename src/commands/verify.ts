/** `pcam verify`. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { EXIT_CODES } from '../core/index.js';
import { type Kind, resolveManifest, type SplitName } from '../manifest/index.js';
import { layout } from '../store/index.js';
import type { VerifiedFile } from '../verify/index.js';
import {
  type CommonOptions,
  type Context,
  hintLine,
  printError,
  printJson,
  withAction,
  withProgress,
} from './context/index.js';
import { addSelectionOptions } from './options/index.js';
import { nextAfterVerify, printNext, printNextToPeople, verifyText } from './texts/index.js';

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
  missing   not there
  partial   only a part of it is there
  corrupt   its bytes are wrong
  swapped   it holds the bytes of another file; --fix renames it back

Examples:
  pcam verify                        read and check everything that is there
  pcam verify --quick --split valid  only files that changed since a check
  pcam verify --deep                 check the HDF5 and CSV contents too
`;

export function verifyCommand(context: Context): Command {
  const command = addSelectionOptions(new Command('verify'))
    .description(
      'Reads the files in the data set folder and compares them with the digests of the manifest. Exit code 3 when something is missing or wrong.',
    )
    .option('--quick', 'trust earlier checks of files whose size and mtime are the same')
    .option('--deep', 'open the HDF5 and CSV files: shapes, types, labels, rows, slides')
    .option('--fix', 'rename swapped files back')
    .option('--json', 'print one JSON document on stdout')
    .addHelpText('after', EXAMPLES);
  return withAction<Options>(command, context, run);
}

async function run(options: Options, context: Context): Promise<void> {
  const [{ verify }, { painter, table }] = await Promise.all([
    import('../verify/index.js'),
    import('../report/index.js'),
  ]);
  const { dir, split, kind, json, ...rest } = options;
  const manifest = await resolveManifest(options.manifest);
  const result = await withProgress(context, { quiet: !context.stderr.isTTY }, (onEvent) =>
    verify({ ...rest, dir, manifest, splits: split, kinds: kind, signal: context.signal, onEvent }),
  );
  if (!result.ok) context.exitCode = EXIT_CODES.MISSING;
  if (json)
    return printJson(context, { ...result, files: result.files.map((file) => jsonFile(context, file)) });
  if (result.files.every(({ status }) => status === 'missing') && !existsSync(layout(dir).state)) {
    return printError(context, {
      message: `no data set in ${resolve(dir)}`,
      hint: 'fetch it',
      next: { command: 'download', splits: split, kinds: kind },
    });
  }
  const paint = painter(context.env.colour, context.stdout);
  context.stdout.write(`${verifyText({ result, dir, manifest, layOut: table, paint })}\n`);
  const print = result.ok ? printNextToPeople : printNext;
  print(context, ...nextAfterVerify(result, manifest));
}

function jsonFile(context: Context, { name, status, expected, found, hint, next }: VerifiedFile): object {
  return { name, status, expected, found, hint: hintLine(context, { hint, next }) };
}
