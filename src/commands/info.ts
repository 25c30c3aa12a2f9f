/** `pcam info`: what the manifest says, what is in the folder, and on demand how the sources answer. And `pcam` alone. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import {
  DEFAULTS,
  EXIT_CODES,
  formatBytes,
  formatInteger,
  type NextStep,
  PcamError,
  printable,
  shortName,
  shortNames,
  VERSION,
} from '../core/index.js';
import type { FileInfo, FileState, InfoResult, Probe } from '../info/index.js';
import { bibtex } from '../manifest/index.js';
import { type Paint, painter, type Style, table } from '../report/index.js';
import { findNearby } from '../store/index.js';
import {
  type CommonOptions,
  type Context,
  chooseManifest,
  manifestFacts,
  networkSettings,
  printJson,
  printMessage,
  printOutput,
  refusePlace,
  withAction,
} from './context.js';
import { commandLine, printNext, printNextToPeople } from './hints.js';

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
  const { info, probeSources } = await import('../info/index.js');
  const { dir, json, probe, cite } = options;
  const manifest = await chooseManifest(context, options);
  const result = { ...(await info({ dir, manifest })), manifest: manifestFacts(manifest) };
  const file = name === undefined ? undefined : findFile(result, name);

  if (probe) {
    const network = await networkSettings(context, manifest);
    const probes = await probeSources({ manifest, signal: context.signal, ...network });
    const ok = probes.some(({ status }) => status === 'ok');
    if (!ok) context.exitCode = EXIT_CODES.NO_SOURCE;
    if (json) return printJson(context, { ...result, ok, probes });
    printOutput(context, probesText(probes));
    if (ok) printNextToPeople(context, ...nextAfterInfo(result.files));
    return;
  }

  if (json) return printJson(context, file ? { ...result, files: [file] } : result);
  const paint = painter(context.env.colour, context.stdout);
  const text = cite ? bibtex(result) : file ? fileText(file) : infoText(result, paint);
  context.stdout.write(`${text}\n`);
  if (!cite) printNextToPeople(context, ...nextAfterInfo(file ? [file] : result.files));
}

/** `pcam` alone: what is in the folder, and what to do next. */
export async function printState(typed: Partial<CommonOptions>, context: Context): Promise<void> {
  context.given = typed;
  const { dir = DEFAULTS.dir, manifest: named } = { ...context.env, ...typed };
  refusePlace(dir);
  const { info } = await import('../info/index.js');
  const manifest = await chooseManifest(context, { dir, manifest: named });
  const { files } = await info({ dir, manifest });
  printOutput(context, `pcam ${VERSION}: the PatchCamelyon data set, from download to training.\n`);
  const near = findNearby(dir, manifest);
  if (near !== undefined) {
    printOutput(context, printable(`No data set in ${dir}; it is in ${resolve(near)}.`));
    printNext({ ...context, given: { ...typed, dir: near } }, 'See it', { command: 'info' });
  } else {
    printOutput(context, printable(stateText(dir, files)));
    printNext(context, ...nextAfterInfo(files));
  }
  printMessage(context, `All commands:\n  ${commandLine(context, { command: 'help' }, { plain: true })}`);
}

function stateText(dir: string, files: readonly FileInfo[]): string {
  if (files.every(({ state }) => state === 'missing')) {
    const known = files.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
    return `No data set in ${dir} yet: ${files.length} files, ${formatBytes(known)} to fetch.`;
  }
  const counts = new Map<FileState, number>();
  for (const { state } of files) counts.set(state, (counts.get(state) ?? 0) + 1);
  const words = [...counts].map(([state, n]) => `${n} ${state}`).join(', ');
  return `Data set in ${dir}: ${files.length} files, ${words}.`;
}

const STYLES: Partial<Record<FileState, Style>> = {
  verified: 'green',
  corrupt: 'red',
  partial: 'yellow',
  missing: 'yellow',
};

/** The files in 80 columns, their sources, and a closing line. */
function infoText({ files, sources, license, citation, dir }: InfoResult, paint: Paint): string {
  const rows = files.map((file) => [
    shortName(nameOnDisk(file)),
    sizeOf(file),
    file.state,
    file.sources.join(' ') || '-',
  ]);
  const style = (row: number, column: number) =>
    row === 0 ? 'dim' : column === 2 ? STYLES[files[row - 1]!.state] : undefined;
  const verified = files.filter(({ state }) => state === 'verified').length;
  const cite = citation.length > 0 ? `; cite ${citation.join(', ')} (--cite for BibTeX)` : '';
  return [
    table([['file', 'size', 'state', 'sources'], ...rows], {
      right: [1],
      paint: (cell, row, column) => paint(style(row, column), cell),
    }),
    '',
    ...sources.map(({ id, type, baseUrl, record }) =>
      printable(`source ${id}: ${type}, ${baseUrl}${record ? `, record ${record}` : ''}`),
    ),
    printable(`license ${license ?? 'not given'}${cite}`),
    '',
    printable(`${verified} of ${files.length} files verified in ${dir}.`),
  ].join('\n');
}

/** @param name in the manifest, on the disk or in short: `train_x.h5`, `train_x` */
function findFile({ files }: InfoResult, name: string): FileInfo {
  const names = (full: string) => [full, shortName(full), shortName(full).replace(/\..*/, '')];
  const found = files.find((file) => [file.name, nameOnDisk(file)].flatMap(names).includes(name));
  if (found) return found;
  throw new PcamError('USAGE', `the manifest has no file ${name}`, {
    hint: `it has ${files.map((file) => shortName(nameOnDisk(file))).join(', ')}`,
  });
}

/** Everything that is known about one file. */
function fileText(file: FileInfo): string {
  const { extracted } = file;
  const decompressed = extracted && [
    ['decompressed', extracted.name],
    ['  size', exactSize(extracted.bytes)],
    ['  MD5', extracted.md5],
  ];
  return table([
    ['name', file.name],
    ['split', file.split],
    ['kind', file.kind],
    ['size', exactSize(file.bytes)],
    ['MD5', file.md5],
    ['SHA-256', file.sha256 ?? 'not published'],
    ...(decompressed ?? []),
    ...(file.urls.length > 0 ? file.urls.map(({ source, url }) => [source, url]) : [['sources', 'none']]),
    ['state', file.state],
  ]);
}

/** How each source answered. */
function probesText(probes: readonly Probe[]): string {
  const rows = probes.map(({ source, status, latency, bytesPerSecond, size, file, proxy }) => [
    source,
    status,
    latency === null ? '-' : `${latency} ms`,
    bytesPerSecond === null ? '-' : `${formatBytes(bytesPerSecond)}/s`,
    size === null ? '-' : formatBytes(size),
    shortNames(file ?? '-'),
    proxy ?? 'none',
  ]);
  const head = ['source', 'answer', 'latency', 'speed', 'size', 'file', 'proxy'];
  const more = probes.flatMap(({ source, url, message, hint }) => [
    printable(`${source}: ${message === null ? url : `${url}: ${message}`}`),
    ...(hint === null ? [] : [`  ${printable(hint)}`]),
  ]);
  return [table([head, ...rows], { right: [2, 3, 4] }), '', ...more].join('\n');
}

/** The next useful command for the files in the folder. */
function nextAfterInfo(files: readonly FileInfo[]): [string, NextStep] {
  const states = new Set(files.map(({ state }) => state));
  if (states.has('corrupt')) return ['Fetch what is corrupt again', { command: 'download' }];
  if (states.has('partial')) return ['Resume the download', { command: 'download' }];
  if (states.has('unverified') || states.has('archive'))
    return ['Check what is there', { command: 'verify' }];
  if (states.size === 1 && states.has('missing')) return ['Fetch the data set', { command: 'download' }];
  if (states.has('missing')) return ['Fetch what is missing', { command: 'download' }];
  return ['Get to know the data', { command: 'stats' }];
}

function nameOnDisk({ name, extracted }: FileInfo): string {
  return extracted?.name ?? name;
}

function sizeOf({ bytes, extracted }: FileInfo): string {
  const size = extracted ? extracted.bytes : bytes;
  if (size !== null) return formatBytes(size);
  return bytes === null ? '?' : `${formatBytes(bytes)} (.gz)`;
}

function exactSize(bytes: number | null): string {
  if (bytes === null) return 'not published';
  const exact = `${formatInteger(bytes)} bytes`;
  return bytes < 1000 ? exact : `${exact} (${formatBytes(bytes)})`;
}
