/** `pcam score`. */
import { Command, InvalidArgumentError } from 'commander';
import { count, DEFAULTS, formatInteger, LIMITS, printable } from '../core/index.js';
import type { SplitName } from '../manifest/index.js';
import type { table } from '../report/index.js';
import type { ScoreKind } from '../score/kind.js';
import type { ReliabilityBin } from '../score/reliability.js';
import type { CollectedScore } from '../score/score.js';
import type { Difference, Metric, ScoreResult, SlideScore } from '../score/types.js';
import {
  benchmarkRow,
  bothThresholds,
  comparisonSentences,
  intervalDigits,
  KIND_WORDS,
  type MetricRow,
  metricDigits,
  metricRows,
  thresholdWords,
  widthRatio,
} from '../score/words.js';
import {
  type CommonOptions,
  type Context,
  callOnSplits,
  printJson,
  printMessage,
  printOutput,
  withAction,
} from './context.js';
import { printNext } from './hints.js';
import { addOutputOptions, choice, oneSplit, whole } from './options.js';

interface Options extends CommonOptions {
  split?: SplitName;
  valid?: string;
  compare?: string;
  compareValid?: string;
  threshold?: number;
  as?: ScoreKind;
  column?: string;
  errors?: string;
  bootstrap?: number;
  seed?: number;
  out?: string;
  json?: boolean;
}

const KINDS: readonly ScoreKind[] = ['probability', 'logit', 'decision', 'score'];
const WORST_SLIDES = 5;
const RELIABILITY_BINS = 10;

const EXAMPLES = `
The file has one score per patch of a split: a NumPy array in the order of the file (N, or N x 2), or a table with a
header whose rows name their patch by split and index, index, or id, key, __key__, path, file or sha1 (a key such as
test_000017, or the SHA-1 of the pixels); a table without such a column is in the order of the file. The score is in
prob, probability, p, score, logit, pred, prediction or --column.

The interval of each metric is found by drawing whole slides, as patches of a slide are not independent; the one beside
it draws patches, to show the difference. A threshold other than 0.5 is given, or chosen on valid: never on the scored
split.

Examples:
  pcam score predictions.csv
  pcam score test.npy --valid valid.npy --errors wrong.txt
  pcam score ours.csv --compare theirs.csv -o score.html
  pcam score submission.csv --column label --json
`;

export function scoreCommand(context: Context): Command {
  const command = new Command('score')
    .description(
      "Measures a model's predictions on one split: ranking, probabilities and decisions, over all patches and unique ones, per slide, with intervals; compares two models; warns of scores in another order or of another split.",
    )
    .argument('<file>', 'the scores: .npy, .csv, .tsv or .parquet')
    .option('--split <name>', 'train, valid, test (default: the one that the rows name, else test)', oneSplit)
    .option('--valid <file>', 'scores of valid: choose the threshold of the best accuracy there')
    .option('--compare <file>', 'scores of another model: differences on the same slides, and tests')
    .option('--compare-valid <file>', 'its scores of valid')
    .option(
      '--threshold <t>',
      'a patch is called positive from here on (default: 0.5, none for bare scores)',
      number,
    )
    .option(
      '--as <kind>',
      'probability, logit, decision or score (default: by name and values)',
      choice(KINDS),
    )
    .option('--column <name>', 'the column that has the scores')
    .option('--errors <file>', 'write the wrong patches, most confident first, for --indices')
    .option(
      '--bootstrap <n>',
      `resamples of each interval (default: ${formatInteger(DEFAULTS.bootstrap)})`,
      whole(LIMITS.bootstrap),
    )
    .option('--seed <n>', 'the same seed gives the same intervals (default: 0)', whole(LIMITS.seed))
    .option('-o, --out <file>', 'write an HTML page with curves and pictures')
    .addHelpText('after', EXAMPLES);
  return withAction<Options>(addOutputOptions(command), context, run);
}

function number(value: string): number {
  const parsed = value.trim() === '' ? Number.NaN : Number(value);
  if (!Number.isFinite(parsed)) throw new InvalidArgumentError('It must be a number.');
  return parsed;
}

async function run(options: Options, context: Context, [file]: readonly string[]): Promise<void> {
  const [{ collectScore }, { reliability }, { table }] = await Promise.all([
    import('../score/score.js'),
    import('../score/reliability.js'),
    import('../report/index.js'),
  ]);
  const { json, errors, out, split: wanted, ...rest } = options;
  const splits = wanted && [wanted];
  const collected = await callOnSplits(
    context,
    { ...options, split: splits },
    ({ dir, manifest, signal, onEvent }) =>
      collectScore({ ...rest, dir, manifest, signal, onEvent, split: wanted, errors, out, file: file! }),
  );
  const { result, model, truth } = collected;
  if (json) return printJson(context, result);
  const isProbability = result.probability !== null;
  const bins = isProbability ? reliability(model.values, truth.labels, RELIABILITY_BINS) : null;
  const sections = [
    headline(collected),
    metricsTable(result, table),
    bins && reliabilityTable(bins, table),
    slidesTable(result, table),
    comparison(collected, table),
    `For the table in PCam's README (Acc and AUC in percent, NLL):\n  ${benchmarkRow(result)}`,
    result.findings.map(({ level, message }) => `${level}: ${printable(message)}`).join('\n'),
  ];
  printOutput(context, sections.filter(Boolean).join('\n\n'));
  if (out !== undefined) printMessage(context, `\n${out}: open it in a browser.`);
  if (errors === undefined) return;
  const wrong = collected.wrong!.length;
  printMessage(context, `\n${errors}: ${count(wrong, 'wrong patch')}.`);
  if (wrong > 0)
    printNext(context, 'Look at them', { command: 'preview', splits: [result.split], indices: errors });
}

function headline({ result, model, truth }: CollectedScore): string {
  const positive = truth.labels.reduce((sum, label) => sum + label, 0);
  const of = result.slides === null ? '' : ` of ${count(result.slides, 'slide')}`;
  const ignored = model.ignored > 0 ? `; ${count(model.ignored, 'row')} of other splits ignored` : '';
  const column = model.column === null ? '' : `, from the column ${model.column}`;
  const what = `${model.file} on ${result.split}: ${count(result.patches, 'patch')}${of}, ${formatInteger(positive)} with tumor.`;
  return `${printable(what)}\n${printable(`Taken as ${KIND_WORDS[result.as]}${column}${ignored}.`)}`;
}

function metricsTable(result: ScoreResult, layOut: typeof table): string {
  const head = ['', 'value', '95 % by slides', 'by patches', 'ratio', ...(result.unique ? ['unique'] : [])];
  const rows = [...metricRows<Metric>(result)].map((row) => {
    if ('threshold' in row) return [thresholdWords(row.threshold)];
    const { value, interval, patchInterval } = row.of(result);
    const ratio = widthRatio(interval, patchInterval);
    const unique = result.unique ? [metricDigits(row.of(result.unique).value)] : [];
    return [
      nameOf(row),
      metricDigits(value),
      intervalDigits(interval),
      intervalDigits(patchInterval),
      ratio,
      ...unique,
    ];
  });
  const note =
    result.slides !== null && result.slides > 1
      ? '\n\nBy slides: whole slides are drawn, as patches of a slide are not independent. The ratio says how\nmuch wider that interval is than the one that takes them as independent.'
      : '';
  return `${layOut([head, ...rows], { right: [1, 2, 3, 4, 5] })}${note}`;
}

function nameOf({ name, atThreshold }: MetricRow<unknown>): string {
  return atThreshold ? `  ${name}` : name;
}

const BAR = 24;

function reliabilityTable(bins: readonly ReliabilityBin[], layOut: typeof table): string {
  const rows = bins.map(({ low, high, patches, predicted, observed }) => [
    `${low.toFixed(1)} to ${high.toFixed(1)}`,
    formatInteger(patches),
    patches === 0 ? '-' : predicted.toFixed(3),
    patches === 0 ? '-' : observed.toFixed(3),
    patches === 0 ? '' : '█'.repeat(Math.round(observed * BAR)),
  ]);
  return layOut([['probability', 'patches', 'mean', 'with tumor'], ...rows], { right: [1, 2, 3] });
}

function slidesTable({ perSlide }: ScoreResult, layOut: typeof table): string {
  if (!perSlide || perSlide.length < 2) return '';
  const row = ({ wsi, patches, positive, correct, auc }: SlideScore) => [
    wsi,
    formatInteger(patches),
    formatInteger(positive),
    correct === null ? '-' : `${((100 * correct) / patches).toFixed(1)} %`,
    auc === null ? '-' : auc.toFixed(3),
  ];
  const worst = perSlide.slice(0, WORST_SLIDES);
  return layOut([['worst slides', 'patches', 'with tumor', 'right', 'AUC'], ...worst.map(row)], {
    right: [1, 2, 3, 4],
  });
}

function comparison({ result, model, other }: CollectedScore, layOut: typeof table): string {
  const { compare, slides } = result;
  if (!compare || !other) return '';
  const head = ['', 'difference', '95 % by slides', ...(compare.unique ? ['unique'] : [])];
  const rows = [...metricRows<Difference>(compare)].map((row) => {
    if ('threshold' in row) return [bothThresholds(row.threshold, result)];
    const { value, interval } = row.of(compare);
    const unique = compare.unique ? [metricDigits(row.of(compare.unique).value, true)] : [];
    return [nameOf(row), metricDigits(value, true), intervalDigits(interval, true), ...unique];
  });
  const title = printable(`${model.file} minus ${other.file}`);
  return `${title}\n\n${layOut([head, ...rows], { right: [1, 2, 3] })}\n\n${comparisonSentences(compare, slides).join('\n')}`;
}
