/** What is suspicious about scores: that they are of other patches, or no scores at all. */
import { formatInteger } from '../core/index.js';
import type { SplitName } from '../manifest/index.js';
import { saysProbability } from './kind.js';
import { aucOf } from './metrics.js';
import type { Model } from './model.js';
import { ordersOf } from './orders.js';
import type { Truth } from './truth.js';
import type { ScoreFinding } from './types.js';

/** Another reading has to have such an AUC, and so much more than this one: no fair model does by chance. */
const MIN_AUC = 0.7;
const MIN_GAIN = 0.15;
/** Below, the scores are upside down. */
const MAX_INVERTED = 0.3;

export interface OtherLabels {
  readonly split: SplitName;
  readonly labels: Uint8Array;
}

export interface FindingsRequest {
  readonly model: Model;
  readonly truth: Truth;
  /** Of the scores; NaN with one class. */
  readonly auc: number;
  /** Labels of the other splits, as far as they are in the folder; asked for only where these scores fit badly. */
  otherLabels(): Promise<readonly OtherLabels[]>;
  /** Names of metrics that are defined and have no interval. */
  readonly withoutInterval: readonly string[];
}

export async function findingsOf(request: FindingsRequest): Promise<ScoreFinding[]> {
  const { model, truth, auc, withoutInterval } = request;
  return [...(await misread(request)), ...shape(model, auc), ...intervals(truth, withoutInterval)];
}

/** Scores of another split, or in another order. */
async function misread({ model, truth, auc, otherLabels }: FindingsRequest): Promise<ScoreFinding[]> {
  const least = Math.max(MIN_AUC, auc + MIN_GAIN);
  if (!(least <= 1)) return [];
  const { scores } = model;
  const { split, labels } = truth;
  const findings: ScoreFinding[] = [];
  for (const other of await otherLabels()) {
    if (other.labels.length !== labels.length) continue;
    const theirs = aucOf(scores, other.labels);
    if (!(theirs >= least)) continue;
    findings.push(
      warning(
        'SWAPPED_SPLIT',
        `the scores fit the labels of ${other.split} (AUC ${digits(theirs)}), not those of ${split} (${digits(auc)}): they are of ${other.split}, or the files of the two splits have each other's names`,
      ),
    );
  }
  for (const { name, patches } of ordersOf(split, labels)) {
    const theirs = aucOf(
      scores,
      Uint8Array.from(patches, (patch) => labels[patch]!),
    );
    if (!(theirs >= least)) continue;
    findings.push(
      warning(
        'MISORDERED',
        `the scores fit ${split} in the order of ${name} (AUC ${digits(theirs)}), not in the order of its file (${digits(auc)}): write the key of each patch beside its score`,
      ),
    );
  }
  return findings;
}

/** Values that no model gives, or that are not what they seem to be. */
function shape({ scores, kind, column, told }: Model, auc: number): ScoreFinding[] {
  const findings: ScoreFinding[] = [];
  const add = (code: string, message: string) => findings.push(warning(code, message));
  if (scores.every((score) => score === scores[0]))
    add('CONSTANT', `all patches have the same score, ${scores[0]}`);
  if (auc < MAX_INVERTED) {
    add(
      'INVERTED',
      `the scores rank patches without tumor above those with (AUC ${digits(auc)}): they may be those of the other class`,
    );
  }
  if (auc === 1)
    add('PERFECT', 'the scores make no mistake: they may be the labels, or of a model that has seen them');
  if (!told && kind === 'logit' && saysProbability(column)) {
    add('LOGITS', `the column ${column} has values outside of 0 to 1, so they are taken as logits`);
  }
  if (!told && kind === 'decision') {
    add(
      'LABELS',
      'the scores are only 0 and 1, so they are taken as decisions: AUC, average precision, NLL and Brier score need probabilities',
    );
  }
  return findings;
}

function intervals({ split, slides }: Truth, withoutInterval: readonly string[]): ScoreFinding[] {
  if (!slides || slides.count < 2) {
    const why = slides
      ? `all patches of ${split} are of one slide`
      : `the meta CSV of ${split} is not in the folder`;
    return [
      info(
        'NO_SLIDES',
        `${why}: there are no intervals by slides, and patches of a slide are not independent`,
      ),
    ];
  }
  if (withoutInterval.length === 0) return [];
  return [
    info(
      'NO_INTERVAL',
      `more than 5 % of the resamples of the ${formatInteger(slides.count)} slides leave these undefined, so they have no interval: ${withoutInterval.join(', ')}`,
    ),
  ];
}

function warning(code: string, message: string): ScoreFinding {
  return { level: 'warning', code, message };
}

function info(code: string, message: string): ScoreFinding {
  return { level: 'info', code, message };
}

function digits(auc: number): string {
  return auc.toFixed(3);
}
