/** `pcam export`. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { count, DEFAULTS, formatBytes, formatSeconds, LIMITS, PcamError, wrapText } from '../core/index.js';
import {
  ALIASES,
  CROPS,
  FORMATS,
  LAYOUTS,
  type LayoutName,
  ORDERS,
  SHARD_INDEXES,
} from '../export/formats/index.js';
import type { ExportOptions, ExportResult } from '../export/index.js';
import { SPLITS } from '../manifest/index.js';
import {
  type Context,
  callOnSplits,
  printJson,
  printMessage,
  type SplitOptions,
  withAction,
} from './context.js';
import { printCommand, printLoaders, sameCommand } from './hints.js';
import {
  addOutputOptions,
  addPatchOptions,
  addSplitOption,
  choice,
  type PatchOptions,
  part,
  selectionOf,
  whole,
} from './options.js';

interface Options
  extends SplitOptions,
    PatchOptions,
    Pick<
      ExportOptions,
      'out' | 'shardSize' | 'part' | 'workers' | 'crop' | 'index' | 'sha1' | 'order' | 'force'
    > {
  format?: ExportOptions['format'];
  layout?: LayoutName;
}

const FORMAT_NAMES = [...new Set(FORMATS.map(({ format }) => format))];
const ALIAS_NAMES = Object.keys(ALIASES) as (keyof typeof ALIASES)[];
const ALIAS_WORDS = Object.fromEntries(ALIAS_NAMES.map((name) => [name, name]));

/** Words that people try. */
const NOT_FORMATS = {
  hdf5: 'That is what download leaves in the data set folder; a part of it: pcam subset.',
  h5: 'That is what download leaves in the data set folder; a part of it: pcam subset.',
  jpg: 'JPEG would change the pixels, by which the data is verified; png keeps them.',
  jpeg: 'JPEG would change the pixels, by which the data is verified; png keeps them.',
};

/** `2048, parquet 20480`. */
const SHARD_SIZES = [
  DEFAULTS.shardSize,
  ...FORMATS.filter(({ shardSize }) => shardSize !== null && shardSize !== DEFAULTS.shardSize).map(
    ({ format, shardSize }) => `${format} ${shardSize}`,
  ),
].join(', ');

/** Summaries and other names, wrapped to 80 columns. */
const FORMAT_LINES = FORMATS.flatMap((entry) => {
  const { format, layout, summary } = entry;
  const alias = ALIAS_NAMES.find((name) => ALIASES[name] === entry);
  const [first, ...more] = wrapText(alias ? `${summary} (also called ${alias})` : summary, 60);
  const name = layout === 'shards' ? format : `${format}, ${layout}`;
  return [`  ${name.padEnd(17)} ${first}`, ...more.map((line) => `${' '.repeat(20)}${line.trim()}`)];
}).join('\n');

const EXAMPLES = `
Formats:
${FORMAT_LINES}

The same data and options give the same bytes. A second run checks what is there
and writes only what is missing or wrong. docs/formats.md says more of each
format and of --shuffle, docs/cluster.md of --part.

Examples:
  pcam export --format png --split valid --out shards
  pcam export --format raw --crop center32 --workers 8
  pcam export --format parquet --part 2/4 --out /shared/parquet
  pcam export --format png --split train --unique --shuffle --out shuffled
  pcam export --format png --layout folder --per-class 1000 --out sample
`;

export function exportCommand(context: Context): Command {
  const command = addSplitOption(new Command('export'))
    .description(
      'Writes verified splits as WebDataset shards, image folders, NumPy arrays, Parquet or TFRecord: in parallel, in constant memory, the same bytes every time.',
    )
    .option(
      '--format <name>',
      FORMAT_NAMES.join(', '),
      choice<NonNullable<Options['format']>>(FORMAT_NAMES, { words: ALIAS_WORDS, refusals: NOT_FORMATS }),
    )
    .option('--layout <name>', `${LAYOUTS.join(' or ')} (default: shards)`, choice(LAYOUTS))
    .option('-o, --out <folder>', 'the output folder (default: pcam-<format> and what else was asked for)')
    .option('--shard-size <n>', `patches per shard (default: ${SHARD_SIZES})`, whole(LIMITS.shardSize))
    .option('--part <i/n>', 'only the shards of job i of n', part)
    .option(
      '--workers <n>',
      "threads (default: the machine's cores, at most 8, for parquet 4)",
      whole(LIMITS.workers),
    )
    .option('--crop <name>', 'center32: only the 32 x 32 px that decide the label', choice(CROPS))
    .option(
      '--index <name>',
      'dali: an index file for NVIDIA DALI (.idx) beside each tar shard',
      choice(SHARD_INDEXES),
    )
    .option('--sha1', "write the SHA-1 of each patch (its id in Kaggle's version) beside it (png, parquet)")
    .option('--order <name>', "of tfrecord: tfds, TFDS's own (default), or file", choice(ORDERS))
    .option('--force', 'replace an export with other options or of other data')
    .addHelpText('after', EXAMPLES);
  addPatchOptions(command);
  return withAction<Options>(addOutputOptions(command), context, run);
}

async function run(options: Options, context: Context): Promise<void> {
  const { json, format, ...rest } = options;
  if (format === undefined) throw noFormat(context, json);
  const { exportDataset } = await import('../export/index.js');
  const started = performance.now();
  const result = await callOnSplits(context, options, (shared) =>
    exportDataset({ ...rest, ...shared, format, selection: selectionOf(options) }),
  );
  if (json) {
    const { contentBytes: _, layout: __, ...document } = result;
    return printJson(context, document);
  }
  printExport(context, { result, options, seconds: (performance.now() - started) / 1000 });
}

/** Without a format there is nothing to do but to list them. */
function noFormat(context: Context, json: boolean | undefined): PcamError {
  if (!json) printMessage(context, `Choose a format with --format:\n${FORMAT_LINES}`);
  return new PcamError('USAGE', 'export needs a format', {
    hint: `--format is one of ${FORMAT_NAMES.join(', ')}; see ${context.env.calledAs} export --help`,
  });
}

/** More readers than that are rare. */
const MANY_SHARDS = 32;

interface ExportReport {
  result: ExportResult;
  options: { part?: { index: number; of: number } };
  seconds: number;
}

function printExport(context: Context, report: ExportReport): void {
  printMessage(context, `\n${sentence(report)}`);
  const { options, result } = report;
  const { part } = options;
  // The job that ends last writes it.
  const shards = readShards(result.out);
  if (shards) {
    printLoaders(context, loaders({ ...result, shards }));
    printFewShards(context, { ...result, shards });
    const whole = sameCommand(context, (words) => withPart(words).filter((word) => word !== '--force'));
    printCommand(context, 'Check it again at any time', whole);
  } else if (part) {
    const other = `${(part.index % part.of) + 1}/${part.of}`;
    const command = sameCommand(context, (words) => withPart(words, other));
    printCommand(
      context,
      part.of === 2 ? 'The other part, on any machine' : 'Another part, on any machine',
      command,
    );
  }
}

type Shards = readonly Pick<ExportResult['shards'][number], 'file' | 'split'>[];

/** The shards of a complete export, those of other parts too. */
function readShards(out: string): Shards | undefined {
  const path = join(out, 'index.json');
  if (!existsSync(path)) return undefined;
  const { shards } = JSON.parse(readFileSync(path, 'utf8')) as { shards: Shards };
  return shards;
}

/** The words of a command with another part, or without one. */
function withPart(words: readonly string[], other?: string): string[] {
  const rest = words.filter((word, i) => !/^--part(=|$)/.test(word) && words[i - 1] !== '--part');
  return other === undefined ? rest : [...rest, '--part', other];
}

function sentence({ result, options: { part }, seconds }: ExportReport): string {
  const { out, shards, patches, format, layout, contentBytes } = result;
  const kept = shards.filter(({ status }) => status === 'present').length;
  const there = kept > 0 ? ` (${kept} present before)` : '';
  const pixels = shards.filter(({ file }) => isPixels(file)).length;
  const pieces = format === 'raw' ? `${count(pixels, 'pair')} of arrays` : count(shards.length, 'shard');
  const isImages = (layout === 'folder' && format === 'png') || format === 'vtab-1k';
  const what = isImages ? count(patches, 'image') : `${count(patches, 'patch')} in ${pieces}`;
  const done = `${out}: ${what}${there}, ${formatBytes(contentBytes)}, in ${formatSeconds(seconds)}`;
  if (!part) return `${done}.`;
  const others = part.of === 2 ? 'the other part is missing' : 'other parts are missing';
  const state = existsSync(join(out, 'index.json')) ? 'the export is complete' : others;
  return `${done}; part ${part.index} of ${part.of}, ${state}.`;
}

interface Loaded extends Pick<ExportResult, 'format' | 'layout' | 'out'> {
  shards: Shards;
}

/** WebDataset takes a drive letter for the scheme of a URL. */
function webPath(path: string): string {
  return process.platform === 'win32' ? `file:${path.replaceAll('\\', '/')}` : path;
}

/** Lines of Python for the first of the splits. */
function loaders({ format, layout, out, shards }: Loaded): string[] {
  const split = shards[0]?.split ?? 'train';
  const inSplit = shards.filter((shard) => shard.split === split).map(({ file }) => file);
  switch (format) {
    case 'png':
      return layout === 'folder'
        ? [`torchvision.datasets.ImageFolder(${JSON.stringify(join(out, split))})`]
        : [
            `webdataset.WebDataset(${JSON.stringify(webPath(join(out, braces(inSplit))))}, shardshuffle=False)`,
          ];
    case 'raw':
      return [`numpy.load(${JSON.stringify(join(out, inSplit.find(isPixels) ?? ''))}, mmap_mode="r")`];
    case 'parquet': {
      // A name such as `parquet` alone is that of a loader.
      const path = /[\\/]/.test(out) ? out : `./${out}`;
      return [`datasets.load_dataset(${JSON.stringify(path)})`];
    }
    case 'tfrecord':
      return [`tfds.builder_from_directory(${JSON.stringify(out)}).as_dataset()`];
    case 'clip-benchmark':
      return [
        `clip_benchmark.datasets.builder.build_dataset("wds/vtab/pcam", root=${JSON.stringify(out)}, split="test")`,
      ];
    default:
      return [];
  }
}

/** Distributed readers share shards out among ranks and their workers. */
function printFewShards(context: Context, { format, layout, shards }: Loaded): void {
  if (layout === 'folder' || format === 'raw' || format === 'vtab-1k') return;
  const counts = SPLITS.map((split) => ({
    split,
    n: shards.filter((shard) => shard.split === split).length,
  }));
  const [first] = counts.filter(({ n }) => n > 0);
  if (!first || first.n >= MANY_SHARDS) return;
  const readers = `readers of ${first.split} (ranks x workers)`;
  printMessage(
    context,
    `${count(first.n, 'shard')}: with more ${readers}, some get nothing; a smaller --shard-size makes more.`,
  );
}

/** A raw shard has pixels, labels and, of a selection, indices. */
function isPixels(file: string): boolean {
  return /-x[-.]/.test(file);
}

/** `pcam-train-{000000..000127}.tar`. */
function braces(files: readonly string[]): string {
  const [first = '', last = first] = [files[0], files.at(-1)];
  const digits = /\d{6}/;
  const [from, to] = [digits.exec(first)?.[0], digits.exec(last)?.[0]];
  return from === undefined || from === to ? first : first.replace(digits, `{${from}..${to}}`);
}
