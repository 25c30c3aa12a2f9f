/** `pcam verify`. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { count, EXIT_CODES, type NextStep, printable, shortName, shortNames } from '../core/index.js';
import { lockHolder } from '../fs/index.js';
import { type DatasetFile, finalName, type Manifest, SPLITS, type SplitName } from '../manifest/index.js';
import { type Paint, painter, type Style, table } from '../report/index.js';
import { findNearby, layout } from '../store/index.js';
import type { VerifiedFile, VerifyResult, VerifyStatus } from '../verify/index.js';
import {
  type Context,
  chooseManifest,
  type FileOptions,
  manifestFacts,
  printJson,
  printMessage,
  withAction,
  withProgress,
} from './context.js';
import { hintLine, printError, printNext, printNextToPeople } from './hints.js';
import { addFileOptions, addOutputOptions } from './options.js';

interface Options extends FileOptions {
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
  const command = addFileOptions(new Command('verify'))
    .description(
      'Reads the files in the data set folder and compares them with the digests of the manifest. Exit code 3 when something is missing or wrong.',
    )
    .option(
      '--quick',
      'do not read again what was checked and has not changed since: size, time, samples of the content',
    )
    .option('--deep', 'open the HDF5 and CSV files: shapes, types, labels, rows, slides')
    .option('--fix', 'rename swapped files back')
    .addHelpText('after', EXAMPLES);
  return withAction<Options>(addOutputOptions(command), context, run);
}

async function run(options: Options, context: Context): Promise<void> {
  const { verify } = await import('../verify/index.js');
  const { dir, split, kind, json, ...rest } = options;
  const manifest = await chooseManifest(context, options);
  const result = await withProgress(context, { json }, (onEvent) =>
    verify({ ...rest, dir, manifest, splits: split, kinds: kind, signal: context.signal, onEvent }),
  );
  if (!result.ok) context.exitCode = EXIT_CODES.MISSING;
  if (json) {
    const { ok, findings } = result;
    const files = result.files.map((file) => jsonFile(context, file));
    return printJson(context, { ok, manifest: manifestFacts(manifest), files, findings });
  }
  if (result.files.every(({ status }) => status === 'missing') && !existsSync(layout(dir).state)) {
    printError(context, noDataset(options, manifest));
    return;
  }
  const holder = result.ok ? undefined : await lockHolder(layout(dir).lock);
  if (holder)
    printMessage(context, `${dir} is in use by ${holder}: what it is working on is missing or partial`);
  const paint = painter(context.env.colour, context.stdout);
  context.stdout.write(`${verifyText(result, { dir, manifest, paint })}\n`);
  printNextSteps(context, result, manifest);
}

function noDataset({ dir, split, kind }: Options, manifest: Manifest): Parameters<typeof printError>[1] {
  const message = `no data set in ${resolve(dir)}`;
  const near = findNearby(dir, manifest);
  if (near) return { message, hint: `it is in ${near}: name it`, options: ['dir'] };
  return { message, hint: 'fetch it', next: { command: 'download', splits: split, kinds: kind } };
}

function jsonFile(context: Context, { name, status, expected, found, hint, next }: VerifiedFile): object {
  return { name, status, expected, found, hint: hintLine(context, { hint, next }) };
}

const STYLES: Record<VerifyStatus, Style> = {
  ok: 'green',
  missing: 'yellow',
  partial: 'yellow',
  corrupt: 'red',
  swapped: 'red',
};

/** One short line per file, the findings, and a closing line. */
function verifyText(
  { files, findings }: VerifyResult,
  { dir, manifest, paint }: { dir: string; manifest: Manifest; paint: Paint },
): string {
  const entries = new Map(manifest.files.map((file) => [file.name, file]));
  const rows = files.flatMap(({ status, name, hint = '', expected, found }) => {
    const row = [status, shortName(finalName(entries.get(name)!)), shortNames(hint)];
    // As long as two digests, and more than one line of 80 columns holds.
    const digests = status === 'corrupt' && found !== null ? [`MD5 ${found}`, `not ${expected}`] : [];
    return [row, ...digests.map((digest) => ['', '', digest])];
  });
  const styleOf = (cell: string) => STYLES[cell.trim() as VerifyStatus];
  return [
    table(rows, { paint: (cell, _, column) => (column === 0 ? paint(styleOf(cell), cell) : cell) }),
    ...findings.map(({ level, message }) => `${level}: ${printable(shortNames(message))}`),
    `\n${summary(files, { manifest, dir: printable(dir) })}`,
  ].join('\n');
}

/** `8 of 9 files right in pcam; 1 corrupt.`, or where splits are not there at all: `valid: 3 of 3 right; train and test are not here.` */
function summary(
  files: readonly VerifiedFile[],
  { manifest, dir }: { manifest: Manifest; dir: string },
): string {
  const { here, absent } = splitsOf(files, manifest);
  if (absent.length > 0) {
    const parts = here.map((split) => {
      const own = files.filter((file) => splitOf(file, manifest) === split);
      return `${split}: ${own.filter(({ status }) => status === 'ok').length} of ${own.length} right`;
    });
    return `${parts.join(', ')}; ${absent.join(' and ')} ${absent.length === 1 ? 'is' : 'are'} not here.`;
  }
  const counts = new Map<VerifyStatus, number>();
  for (const { status } of files) counts.set(status, (counts.get(status) ?? 0) + 1);
  const right = counts.get('ok') ?? 0;
  const others = [...counts].filter(([status]) => status !== 'ok').map(([status, n]) => `${n} ${status}`);
  if (others.length === 0) return `${count(right, 'file')} verified in ${dir}, all right.`;
  return `${right} of ${count(files.length, 'file')} right in ${dir}; ${others.join(', ')}.`;
}

/** The splits of which something is here; and those of which nothing is, where others are here. */
function splitsOf(
  files: readonly VerifiedFile[],
  manifest: Manifest,
): { here: SplitName[]; absent: SplitName[] } {
  const checked = SPLITS.filter((split) => files.some((file) => splitOf(file, manifest) === split));
  const here = checked.filter((split) =>
    files.some((file) => file.status !== 'missing' && splitOf(file, manifest) === split),
  );
  return { here, absent: here.length === 0 ? [] : checked.filter((split) => !here.includes(split)) };
}

function splitOf({ name }: VerifiedFile, { files }: Manifest): SplitName | undefined {
  return files.find((file) => file.name === name)?.split;
}

/** The one command that repairs the most, or the next useful one. */
function printNextSteps(context: Context, result: VerifyResult, manifest: Manifest): void {
  const { ok, files } = result;
  const bad = files.filter(({ status }) => status !== 'ok');
  const { here, absent } = splitsOf(files, manifest);
  const next = (what: string, step: NextStep) => (ok ? printNextToPeople : printNext)(context, what, step);
  if (files.some(({ status }) => status === 'swapped')) {
    next('Rename the swapped files back', { command: 'verify', fix: true });
  } else if (bad.length === 0) {
    if (ok) next('Get to know the data', { command: 'stats' });
    else next('See the details of a file', { command: 'info' });
  } else {
    const what = bad.length === 1 ? 'Fetch it' : 'Fetch them';
    next(what, { command: 'download', ...choiceOf(manifest.files, new Set(bad.map(({ name }) => name))) });
    const complete = bad.every((file) => absent.includes(splitOf(file, manifest)!));
    if (complete) next('Or check only what is here', { command: 'verify', splits: here });
  }
}

/** The smallest choice of splits and kinds that covers the files; nothing where that is all of them. */
function choiceOf(
  all: readonly DatasetFile[],
  names: ReadonlySet<string>,
): Pick<NextStep, 'splits' | 'kinds'> {
  const chosen = all.filter(({ name }) => names.has(name));
  const distinct = <T>(files: readonly DatasetFile[], pick: (file: DatasetFile) => T) => [
    ...new Set(files.map(pick)),
  ];
  const splits = distinct(chosen, ({ split }) => split);
  const kinds = distinct(chosen, ({ kind }) => kind);
  return {
    splits: splits.length === distinct(all, ({ split }) => split).length ? undefined : splits,
    kinds: kinds.length === distinct(all, ({ kind }) => kind).length ? undefined : kinds,
  };
}
