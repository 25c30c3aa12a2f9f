/** The last lines of an export: what was written, whether it is complete, and how to load it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { count, formatBytes, formatSeconds } from '../../core/index.js';
import type { LayoutName } from '../../export/formats/index.js';
import type { ExportResult } from '../../export/index.js';
import { type Context, printLine, sameCommand } from '../context/index.js';
import { printCommand, printLoaders, quoted } from './closing.js';

export interface ExportReport {
  result: Omit<ExportResult, 'contentBytes'>;
  contentBytes: number;
  options: { layout: LayoutName; part?: { index: number; of: number } };
  seconds: number;
}

export function printExport(context: Context, report: ExportReport): void {
  printLine(context.stderr, `\n${sentence(report)}`);
  const { options, result } = report;
  const { part } = options;
  // The job that ends last writes it.
  if (existsSync(join(result.out, 'index.json'))) {
    printLoaders(context, loaders(result, options.layout));
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

/** The words of a command with another part, or without one. */
function withPart(words: readonly string[], other?: string): string[] {
  const rest = words.filter((word, i) => !/^--part(=|$)/.test(word) && words[i - 1] !== '--part');
  return other === undefined ? rest : [...rest, '--part', other];
}

function sentence({ result, contentBytes, options: { layout, part }, seconds }: ExportReport): string {
  const { out, shards, patches, format } = result;
  const kept = shards.filter(({ status }) => status === 'present').length;
  const there = kept > 0 ? ` (${kept} present before)` : '';
  // A raw shard is a pair of files: pixels and labels.
  const pieces =
    format === 'raw' ? `${count(shards.length / 2, 'pair')} of arrays` : count(shards.length, 'shard');
  const what =
    layout === 'folder' && format === 'png'
      ? count(patches, 'image')
      : `${count(patches, 'patch')} in ${pieces}`;
  const done = `${out}: ${what}${there}, ${formatBytes(contentBytes)}, in ${formatSeconds(seconds)}`;
  if (!part) return `${done}.`;
  const others = part.of === 2 ? 'the other part is missing' : 'other parts are missing';
  const state = existsSync(join(out, 'index.json')) ? 'the export is complete' : others;
  return `${done}; part ${part.index} of ${part.of}, ${state}.`;
}

/** Lines of Python for the first of the splits. */
function loaders(
  { format, out, shards }: Pick<ExportResult, 'format' | 'out' | 'shards'>,
  layout: LayoutName,
): string[] {
  const split = shards[0]?.split ?? 'train';
  const inSplit = shards.filter((shard) => shard.split === split).map(({ file }) => file);
  const first = quoted(join(out, inSplit[0] ?? ''));
  switch (format) {
    case 'png':
      return layout === 'folder'
        ? [`torchvision.datasets.ImageFolder(${quoted(join(out, split))})`]
        : [`webdataset.WebDataset(${quoted(join(out, braces(inSplit)))})`];
    case 'raw':
      return [`numpy.load(${first}, mmap_mode="r")`];
    case 'parquet':
      return [`datasets.load_dataset(${quoted(out)})`];
    case 'tfrecord':
      return [`tfds.builder_from_directory(${quoted(out)}).as_dataset()`];
    default:
      return [];
  }
}

/** `pcam-train-{000000..000127}.tar`. */
function braces(files: readonly string[]): string {
  const [first = '', last = first] = [files[0], files.at(-1)];
  const digits = /\d{6}/;
  const [from, to] = [digits.exec(first)?.[0], digits.exec(last)?.[0]];
  return from === undefined || from === to ? first : first.replace(digits, `{${from}..${to}}`);
}
