/** `pcam info`: what the manifest says, what is in the folder, and on demand what the sources answer. */
import { Command } from 'commander';
import { EXIT_CODES } from '../core/index.js';
import type { InfoResult } from '../info/index.js';
import { bibtex, type Manifest, resolveManifest } from '../manifest/index.js';
import {
  type CommonOptions,
  type Context,
  networkSettings,
  printJson,
  printLine,
  withAction,
} from './context/index.js';
import { fileText, findFile, infoText, nextAfterInfo, printNextToPeople, probesText } from './texts/index.js';

interface Options extends CommonOptions {
  probe?: boolean;
  cite?: boolean;
  json?: boolean;
}

const STATES = `
States, by receipts and names alone (pcam verify reads the files):
  verified    there, and unchanged since it was verified
  unverified  there, but not verified, or changed since
  corrupt     there, and found wrong when it was verified
  archive     only the .gz archive is there
  partial     its download is not finished
  missing     not there

Answer of a source (--probe; exit code 4 when none is ok):
  ok           it sends the bytes, and the size is right
  quota        its quota for the file is used up, for up to 24 hours
  busy         it asks to wait
  refused      it answers, and does not give the file
  missing      it has no such file
  wrong-size   its copy has another size
  failed       it answers with an error
  unreachable  no connection, no answer, or a proxy or certificate in the way

Examples:
  pcam info                  all files
  pcam info train_x.h5       everything about one file
  pcam info --probe          do the sources answer?
  pcam info --cite           BibTeX
`;

export function infoCommand(context: Context): Command {
  const command = new Command('info')
    .description('Shows the files of the manifest: size, sources, and their state in the data set folder.')
    .argument('[file]', 'show everything about this file, such as train_x.h5')
    .option('--probe', 'ask each source for one small range: does it answer, how fast, through which proxy')
    .option('--cite', 'print how to cite the data set, as BibTeX')
    .option('--json', 'print one JSON document on stdout')
    .addHelpText('after', STATES);
  return withAction<Options>(command, context, run);
}

async function run(options: Options, context: Context, [name]: readonly string[]): Promise<void> {
  const [{ info }, { painter, table }] = await Promise.all([
    import('../info/index.js'),
    import('../report/index.js'),
  ]);
  const manifest = await resolveManifest(options.manifest);
  const result = await info({ dir: options.dir, manifest });
  if (options.probe) return probe({ result, manifest, json: options.json, context });
  const file = name === undefined ? undefined : findFile(result, name);
  if (options.json) return printJson(context, file ? { ...result, files: [file] } : result);
  const style = { layOut: table, paint: painter(context.env.colour, context.stdout) };
  const text = options.cite ? bibtex(result) : file ? fileText(file, style) : infoText(result, style);
  context.stdout.write(`${text}\n`);
  if (!options.cite) printNextToPeople(context, ...nextAfterInfo(file ? [file] : result.files));
}

interface ProbeRequest {
  result: InfoResult;
  manifest: Manifest;
  json?: boolean;
  context: Context;
}

async function probe({ result, manifest, json, context }: ProbeRequest): Promise<void> {
  const [{ probeSources }, { table }] = await Promise.all([
    import('../info/index.js'),
    import('../report/index.js'),
  ]);
  const settings = await networkSettings(context);
  const probes = await probeSources({ manifest, signal: context.signal, ...settings });
  const ok = probes.some(({ status }) => status === 'ok');
  if (!ok) context.exitCode = EXIT_CODES.NO_SOURCE;
  if (json) return printJson(context, { ...result, ok, probes });
  printLine(context.stdout, probesText(probes, table));
  if (ok) printNextToPeople(context, ...nextAfterInfo(result.files));
}
