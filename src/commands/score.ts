/** `pcam score`. */
import { Command, InvalidArgumentError } from 'commander';
import { count, DEFAULTS, formatInteger, LIMITS, printable } from '../core/index.js';
import type { SplitName } from '../manifest/index.js';
import type { table } from '../report/index.js';
import type {
  CollectedScore,
  Comparison,
  Difference,
  Metric,
  Metrics,
  ReliabilityBin,
  ScoreKind,
  ScoreResult,
  SlideScore,
  Threshold,
} from '../score/index.js';
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
  pcam score ours.csv --compare theirs.csv
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
    .addHelpText('after', EXAMPLES);
  return withAction<Options>(addOutputOptions(command), context, run);
}

function number(value: string): number {
  const parsed = value.trim() === '' ? Number.NaN : Number(value);
  if (!Number.isFinite(parsed)) throw new InvalidArgumentError('It must be a number.');
  return parsed;
}

async function run(options: Options, context: Context, [file]: readonly string[]): Promise<void> {
  const [{ collectScore, reliability }, { table }] = await Promise.all([
    import('../score/index.js'),
    import('../report/index.js'),
  ]);
  const { json, errors, split: wanted, ...rest } = options;
  const splits = wanted && [wanted];
  const collected = await callOnSplits(
    context,
    { ...options, split: splits },
    ({ dir, manifest, signal, onEvent }) =>
      collectScore({ ...rest, dir, manifest, signal, onEvent, split: wanted, errors, file: file! }),
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
    tableRow(result),
    result.findings.map(({ level, message }) => `${level}: ${printable(message)}`).join('\n'),
  ];
  printOutput(context, sections.filter(Boolean).join('\n\n'));
  if (errors === undefined) return;
  const wrong = collected.wrong!.length;
  printMessage(context, `\n${errors}: ${count(wrong, 'wrong patch')}.`);
  if (wrong > 0)
    printNext(context, 'Look at them', { command: 'preview', splits: [result.split], indices: errors });
}

const KIND_WORDS: Record<ScoreKind, string> = {
  probability: 'probabilities of tumor',
  logit: 'logits',
  decision: 'decisions',
  score: 'bare scores',
};

function headline({ result, model, truth }: CollectedScore): string {
  const positive = truth.labels.reduce((sum, label) => sum + label, 0);
  const of = result.slides === null ? '' : ` of ${count(result.slides, 'slide')}`;
  const ignored = model.ignored > 0 ? `; ${count(model.ignored, 'row')} of other splits ignored` : '';
  const column = model.column === null ? '' : `, from the column ${model.column}`;
  return printable(
    `${model.file} on ${result.split}: ${count(result.patches, 'patch')}${of}, ${formatInteger(positive)} with tumor.`,
  ).concat('\n', printable(`Taken as ${KIND_WORDS[result.as]}${column}${ignored}.`));
}

const NAMES = {
  auc: 'AUC',
  averagePrecision: 'average precision',
  nll: 'NLL',
  brier: 'Brier score',
  ece: 'ECE, 15 bins',
  accuracy: 'accuracy',
  balancedAccuracy: 'balanced accuracy',
  sensitivity: 'sensitivity',
  specificity: 'specificity',
  precision: 'precision',
  f1: 'F1',
} as const;

const DECISION = ['accuracy', 'balancedAccuracy', 'sensitivity', 'specificity', 'precision', 'f1'] as const;

/** The metrics of a document in the order of a table, with a heading before those of each threshold. */
function* rowsOf<M>({
  ranking,
  probability,
  decisions,
}: Metrics<M, object>): Generator<
  { name: string; metric: (from: Metrics<M, object>) => M } | { threshold: Threshold }
> {
  for (const name of ranking ? (['auc', 'averagePrecision'] as const) : []) {
    yield { name: NAMES[name], metric: (from) => from.ranking![name] };
  }
  for (const name of probability ? (['nll', 'brier', 'ece'] as const) : []) {
    yield { name: NAMES[name], metric: (from) => from.probability![name] };
  }
  for (const [i, threshold] of decisions.entries()) {
    yield { threshold };
    for (const name of DECISION)
      yield { name: `  ${NAMES[name]}`, metric: (from) => from.decisions[i]![name] };
  }
}

function metricsTable(result: ScoreResult, layOut: typeof table): string {
  const head = ['', 'value', '95 % by slides', 'by patches', 'ratio', ...(result.unique ? ['unique'] : [])];
  const rows = [...rowsOf<Metric>(result)].map((row) => {
    if ('threshold' in row) return [thresholdWords(row.threshold)];
    const { value, interval, patchInterval } = row.metric(result);
    const ratio =
      interval && patchInterval && patchInterval[1] > patchInterval[0]
        ? ((interval[1] - interval[0]) / (patchInterval[1] - patchInterval[0])).toFixed(1)
        : '-';
    const unique = result.unique ? [digits(row.metric(result.unique).value)] : [];
    return [row.name, digits(value), range(interval), range(patchInterval), ratio, ...unique];
  });
  const note =
    result.slides !== null && result.slides > 1
      ? '\n\nBy slides: whole slides are drawn, as patches of a slide are not independent. The ratio says how\nmuch wider that interval is than the one that takes them as independent.'
      : '';
  return `${layOut([head, ...rows], { right: [1, 2, 3, 4, 5] })}${note}`;
}

function thresholdWords({ threshold, from }: Threshold): string {
  const why = { default: 'default', given: 'given', valid: 'best on valid' }[from];
  return `at ${shortNumber(threshold)} (${why})`;
}

function digits(value: number | null, sign = false): string {
  if (value === null) return '-';
  return `${sign && value > 0 ? '+' : ''}${value.toFixed(4)}`;
}

function range(interval: readonly [number, number] | null, sign = false): string {
  return interval ? interval.map((end) => `${sign && end > 0 ? '+' : ''}${end.toFixed(3)}`).join(' … ') : '-';
}

function shortNumber(value: number): string {
  return String(Number(value.toPrecision(5)));
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
  const rows = [...rowsOf<Difference>(compare)].map((row) => {
    if ('threshold' in row) return [ownThresholds(row.threshold, result)];
    const { value, interval } = row.metric(compare);
    const unique = compare.unique ? [digits(row.metric(compare.unique).value, true)] : [];
    return [row.name, digits(value, true), range(interval, true), ...unique];
  });
  const title = printable(`${model.file} minus ${other.file}`);
  return `${title}\n\n${layOut([head, ...rows], { right: [1, 2, 3] })}\n\n${verdict(compare, slides)}`;
}

/** That of each model, where they differ. */
function ownThresholds({ threshold, from }: Threshold, { decisions }: ScoreResult): string {
  const own = decisions.find((decision) => decision.from === from)!;
  if (own.threshold === threshold) return thresholdWords(own);
  return thresholdWords(own).replace(' (', ` and ${shortNumber(threshold)} (`);
}

function verdict({ distinguishable, delong, mcnemar }: Comparison, slides: number | null): string {
  const on = `on these ${formatInteger(slides ?? 0)} slides`;
  const lines =
    distinguishable === null
      ? []
      : distinguishable
        ? [`Distinguishable ${on}: the interval of the difference of AUC does not contain 0.`]
        : [`Not distinguishable ${on}: the interval of the difference of AUC contains 0.`];
  const tests = [
    delong && `DeLong z = ${delong.z === null ? '-' : delong.z.toFixed(2)}, p = ${pValue(delong.p)}`,
    mcnemar &&
      `McNemar b = ${formatInteger(mcnemar.b)}, c = ${formatInteger(mcnemar.c)}, p = ${pValue(mcnemar.p)}`,
  ].filter((words) => words !== null);
  if (tests.length > 0)
    lines.push(`${tests.join('; ')}. Both take patches as independent, which those of a slide are not.`);
  return lines.join('\n');
}

function pValue(p: number): string {
  return p === 0 || p >= 0.001 ? p.toFixed(3) : p.toExponential(1);
}

/** As the benchmark table of https://github.com/basveeling/pcam has it: name, reference, augmentations, Acc, AUC, NLL, FROC. */
function tableRow({ ranking, probability, decisions }: ScoreResult): string {
  const percent = (value: number | null | undefined) => (value == null ? '' : (100 * value).toFixed(1));
  const nll = probability?.nll.value;
  const cells = [
    percent(decisions.at(-1)?.accuracy.value),
    percent(ranking?.auc.value),
    nll == null ? '' : nll.toFixed(3),
  ];
  return `For the table in PCam's README (Acc and AUC in percent, NLL):\n  | your model | [reference] | augmentations | ${cells.join(' | ')} | |`;
}
