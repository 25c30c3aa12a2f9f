/** Metrics in words, for the terminal and the page: their names and order, numbers, and what a comparison means. */
import { formatInteger } from '../core/index.js';
import type { ScoreKind } from './kind.js';
import type { Comparison, Interval, Metrics, ScoreResult, Threshold } from './types.js';

export const KIND_WORDS: Record<ScoreKind, string> = {
  probability: 'probabilities of tumor',
  logit: 'logits',
  decision: 'decisions',
  score: 'bare scores',
};

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

export type MetricName = keyof typeof NAMES;

const DECISION = ['accuracy', 'balancedAccuracy', 'sensitivity', 'specificity', 'precision', 'f1'] as const;

export interface MetricRow<M> {
  readonly metric: MetricName;
  readonly name: string;
  /** Whether it is one at a threshold. */
  readonly atThreshold: boolean;
  /** The same metric of a document of the same form. */
  of(document: Metrics<M, object>): M;
}

/** The metrics of a document in the order of a table, with a threshold before those of its decisions. */
export function* metricRows<M>({
  ranking,
  probability,
  decisions,
}: Metrics<M, object>): Generator<MetricRow<M> | { readonly threshold: Threshold }> {
  for (const metric of ranking ? (['auc', 'averagePrecision'] as const) : []) {
    yield { metric, name: NAMES[metric], atThreshold: false, of: (document) => document.ranking![metric] };
  }
  for (const metric of probability ? (['nll', 'brier', 'ece'] as const) : []) {
    yield {
      metric,
      name: NAMES[metric],
      atThreshold: false,
      of: (document) => document.probability![metric],
    };
  }
  for (const [i, threshold] of decisions.entries()) {
    yield { threshold };
    for (const metric of DECISION) {
      yield {
        metric,
        name: NAMES[metric],
        atThreshold: true,
        of: (document) => document.decisions[i]![metric],
      };
    }
  }
}

const REASONS: Record<Threshold['from'], string> = {
  default: 'default',
  given: 'given',
  valid: 'best on valid',
};

/** `at 0.5 (default)`. */
export function thresholdWords({ threshold, from }: Threshold): string {
  return `at ${shortNumber(threshold)} (${REASONS[from]})`;
}

/** The threshold of each of two models, where they differ. */
export function bothThresholds({ threshold, from }: Threshold, { decisions }: ScoreResult): string {
  const own = decisions.find((decision) => decision.from === from)!;
  if (own.threshold === threshold) return thresholdWords(own);
  return thresholdWords(own).replace(' (', ` and ${shortNumber(threshold)} (`);
}

function shortNumber(value: number): string {
  return String(Number(value.toPrecision(5)));
}

export function metricDigits(value: number | null, sign = false): string {
  if (value === null) return '-';
  return `${sign && value > 0 ? '+' : ''}${value.toFixed(4)}`;
}

export function intervalDigits(interval: Interval | null, sign = false): string {
  if (!interval) return '-';
  return interval.map((end) => `${sign && end > 0 ? '+' : ''}${end.toFixed(3)}`).join(' … ');
}

/** How much wider the interval of slides is than that of patches. */
export function widthRatio(interval: Interval | null, patchInterval: Interval | null): string {
  if (!interval || !patchInterval || patchInterval[1] === patchInterval[0]) return '-';
  return ((interval[1] - interval[0]) / (patchInterval[1] - patchInterval[0])).toFixed(1);
}

/** What a comparison comes to, in sentences. */
export function comparisonSentences(
  { distinguishable, delong, mcnemar }: Comparison,
  slides: number | null,
): string[] {
  const on = `on these ${formatInteger(slides ?? 0)} slides`;
  const sentences: string[] = [];
  if (distinguishable === true) {
    sentences.push(`Distinguishable ${on}: the interval of the difference of AUC does not contain 0.`);
  }
  if (distinguishable === false) {
    sentences.push(`Not distinguishable ${on}: the interval of the difference of AUC contains 0.`);
  }
  const tests = [
    delong && `DeLong z = ${delong.z === null ? '-' : delong.z.toFixed(2)}, p = ${pValue(delong.p)}`,
    mcnemar &&
      `McNemar b = ${formatInteger(mcnemar.b)}, c = ${formatInteger(mcnemar.c)}, p = ${pValue(mcnemar.p)}`,
  ].filter((words) => words !== null);
  if (tests.length > 0) {
    const subject = tests.length === 2 ? 'Both take' : 'It takes';
    sentences.push(`${tests.join('; ')}. ${subject} patches as independent, which those of a slide are not.`);
  }
  return sentences;
}

function pValue(p: number): string {
  return p === 0 || p >= 0.001 ? p.toFixed(3) : p.toExponential(1);
}

/**
 * A row for the benchmark table of https://github.com/basveeling/pcam: name, reference, augmentations, Acc and AUC in
 * percent, NLL, FROC.
 */
export function benchmarkRow({ ranking, probability, decisions }: ScoreResult): string {
  const percent = (value: number | null | undefined) => (value == null ? '' : (100 * value).toFixed(1));
  const nll = probability?.nll.value;
  const cells = [
    percent(decisions.at(-1)?.accuracy.value),
    percent(ranking?.auc.value),
    nll == null ? '' : nll.toFixed(3),
  ];
  return `| your model | [reference] | augmentations | ${cells.join(' | ')} | |`;
}
