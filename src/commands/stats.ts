/** `pcam stats`. */
import { basename } from 'node:path';
import { Command } from 'commander';
import { count, formatInteger, LIMITS, shortName } from '../core/index.js';
import type { Channels, CollectedStats, SplitStats, Totals } from '../explore/stats/index.js';
import {
  type Context,
  callOnSplits,
  printJson,
  printMessage,
  printOutput,
  type SplitOptions,
  withAction,
} from './context.js';
import { printNextToPeople } from './hints.js';
import { addOutputOptions, addSplitOption, whole } from './options.js';

interface Options extends SplitOptions {
  table?: string;
  workers?: number;
}

const EXAMPLES = `
The images are read once; what was found is kept in the data set folder, so that a second call takes seconds.
Mean and standard deviation are exact, of pixel values from 0 to 255. A patch is unique when no earlier one of
its split has the same pixels.

The table has one row per patch: split, index, label, sha1, copies, first and the columns of the meta CSV. The SHA-1 is
of the pixels, and so the id of the patch in Kaggle's version of the data.

Examples:
  pcam stats
  pcam stats --split train --table patches.parquet
  pcam stats --json > stats.json
`;

export function statsCommand(context: Context): Command {
  const command = addSplitOption(new Command('stats'))
    .description(
      'Counts and measures the data set: classes, slides, duplicates within and across splits, channel means, standard deviations and histograms, and what stands out.',
    )
    .option('--table <file>', 'also write one row per patch to a .csv or .parquet file')
    .option('--workers <n>', "threads (default: the machine's cores)", whole(LIMITS.workers))
    .addHelpText('after', EXAMPLES);
  return withAction<Options>(addOutputOptions(command), context, run);
}

async function run(options: Options, context: Context): Promise<void> {
  const [{ collectStats }, { table }] = await Promise.all([
    import('../explore/stats/index.js'),
    import('../report/index.js'),
  ]);
  const { split, workers, json, table: file } = options;
  const collected = await callOnSplits(context, options, (shared) =>
    collectStats({ ...shared, table: file, workers }),
  );
  const { result } = collected;
  if (file !== undefined) {
    printMessage(context, `${file}: ${count(result.all.patches, 'row')}, one for each patch.`);
  }
  if (json) return printJson(context, result);
  const sections = [
    warning(collected),
    table(classes(result.splits, result.all), { right: [1, 2, 3, 4, 5] }),
    table(channels(result.splits, result.all), { right: [1, 2, 3, 4, 5, 6] }),
    normalize(collected),
    result.findings.map(({ level, message }) => `${level}: ${message}`).join('\n'),
  ];
  printOutput(context, sections.filter((section) => section !== '').join('\n\n'));
  printNextToPeople(context, 'The same with pictures', { command: 'report', splits: split });
}

/** At the top, as figures are copied from where they are. */
function warning({ splits, provenance }: CollectedStats): string {
  const foreign = splits.flatMap((split) => split.foreign);
  if (foreign.length === 0) return '';
  const whose = provenance === 'pcam' ? "PCam's" : 'those of the data set that the manifest describes';
  const files = foreign.map((path) => shortName(basename(path))).join(', ');
  return `These figures are not ${whose}: ${files} ${foreign.length === 1 ? 'holds' : 'hold'} other bytes.`;
}

function classes(splits: readonly SplitStats[], all: Totals): string[][] {
  const row = (
    name: string,
    { patches, positive, negative, unique }: Totals,
    slides: number | null,
  ): string[] => {
    const share = (n: number | null) =>
      n === null ? '-' : `${formatInteger(n)} (${((100 * n) / Math.max(1, patches)).toFixed(1)} %)`;
    return [
      name,
      formatInteger(patches),
      share(positive),
      share(negative),
      share(unique),
      slides === null ? '-' : formatInteger(slides),
    ];
  };
  const rows = splits.map((split) => row(split.split, split, split.slides));
  return [
    ['split', 'patches', 'positive', 'negative', 'unique', 'slides'],
    ...rows,
    ...(splits.length > 1 ? [row('all', all, sum(splits.map(({ slides }) => slides)))] : []),
  ];
}

/** `null` when one of them is not known. */
function sum(values: readonly (number | null)[]): number | null {
  return values.reduce((a, b) => (a === null || b === null ? null : a + b), 0);
}

function channels(splits: readonly SplitStats[], all: Totals): string[][] {
  const row = (name: string, { mean, std }: Channels) => [
    name,
    ...[...mean, ...std].map((value) => value.toFixed(3)),
  ];
  return [
    ['0 to 255', 'mean R', 'G', 'B', 'std R', 'G', 'B'],
    ...splits.map(({ split, channels }) => row(split, channels)),
    ...(splits.length > 1 ? [row('all', all.channels)] : []),
  ];
}

/** What is pasted into a training script: of train where it is there, as other splits must not decide. */
function normalize({ splits: [first] }: CollectedStats): string {
  const { split, stats, uniqueChannels } = first!;
  const line = ({ mean, std }: Channels) => {
    const list = (values: readonly number[]) =>
      `[${values.map((value) => (value / 255).toFixed(4)).join(',')}]`;
    // One line of 77 characters: with a blank after each comma, it would be 81.
    return `transforms.Normalize(mean=${list(mean)}, std=${list(std)})`;
  };
  return [
    `# ${split}, all ${formatInteger(stats.patches)} patches`,
    line(stats.channels),
    `# ${split}, ${formatInteger(stats.unique)} unique patches`,
    line(uniqueChannels),
  ].join('\n');
}
