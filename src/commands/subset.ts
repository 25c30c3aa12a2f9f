/** `pcam subset`. */
import { Command } from 'commander';
import { count, formatBytes } from '../core/index.js';
import {
  type Context,
  callOnSplits,
  printJson,
  printMessage,
  type SplitOptions,
  withAction,
} from './context.js';
import { printNext } from './hints.js';
import {
  addOutputOptions,
  addPatchOptions,
  addSplitOption,
  type PatchOptions,
  selectionOf,
} from './options.js';

interface Options extends SplitOptions, PatchOptions {
  out: string;
  archives?: boolean;
  force?: boolean;
}

const EXAMPLES = `
The subset has the upstream names, HDF5 layout and CSV columns; the index column holds each patch's index in the whole
data set. Its manifest.json is what pcam verifies it with. The same data, options and seed give the same bytes.

Examples:
  pcam subset --out small/pcam --per-class 500
  pcam verify --dir small/pcam
  pcam subset --out mirror --per-slide 20 --archives     a folder to serve
`;

export function subsetCommand(context: Context): Command {
  const command = addSplitOption(new Command('subset'))
    .description('Writes selected patches as a small data set of their own, for tests and laptops.')
    .requiredOption('-o, --out <folder>', 'where to put it');
  addPatchOptions(command)
    .option('--archives', 'also write the .gz archives, so that the folder can be served as a mirror')
    .option('--force', 'replace a subset with other options or of other data')
    .addHelpText('after', EXAMPLES);
  return withAction<Options>(addOutputOptions(command), context, run);
}

async function run(options: Options, context: Context): Promise<void> {
  const { subset } = await import('../subset.js');
  const { out, archives, force, json } = options;
  const result = await callOnSplits(context, options, (shared) =>
    subset({ ...shared, selection: selectionOf(options), out, archives, force }),
  );
  if (json) return printJson(context, result);
  const images = result.files.filter(({ name }) => name.endsWith('_x.h5'));
  const patches = images.reduce((sum, file) => sum + file.patches, 0);
  const bytes = result.files.reduce((sum, file) => sum + file.bytes, 0);
  printMessage(
    context,
    `${out}: ${count(patches, 'patch')} in ${count(result.files.length, 'file')} and manifest.json, ${formatBytes(bytes)}.`,
  );
  const own = { ...context, given: { dir: out } };
  printNext(own, 'Check it', { command: 'verify' });
}
