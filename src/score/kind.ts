/** What scores are: probabilities of tumor, logits, decisions, or numbers that can only be ranked. */
import { PcamError } from '../core/index.js';

export type ScoreKind = 'probability' | 'logit' | 'decision' | 'score';

export interface KindRequest {
  readonly file: string;
  readonly scores: Float64Array;
  /** The column that they are from; `null` for an array. */
  readonly column: string | null;
  readonly twoLogits: boolean;
  /** What the caller says they are. */
  readonly as?: ScoreKind;
}

/** @throws PcamError USAGE when the scores are not what the caller says */
export function kindOf({ file, scores, column, twoLogits, as }: KindRequest): ScoreKind {
  const binary = scores.every((score) => score === 0 || score === 1);
  const unit = scores.every((score) => score >= 0 && score <= 1);
  if ((as === 'decision' && !binary) || (as === 'probability' && !unit)) {
    const wrong = scores.find((score) =>
      as === 'decision' ? score !== 0 && score !== 1 : score < 0 || score > 1,
    );
    const expected = as === 'decision' ? 'decisions, 0 or 1' : 'probabilities from 0 to 1';
    throw new PcamError('USAGE', `${file} does not have ${expected}: it has ${wrong}`, {
      hint: 'say what its scores are, or leave it to pcam',
      options: ['as'],
    });
  }
  if (as) return as;
  if (twoLogits) return 'logit';
  if (binary) return 'decision';
  return unit && !/logit/i.test(column ?? '') ? 'probability' : 'logit';
}

/** Whether the name of a column promises probabilities. */
export function saysProbability(column: string | null): boolean {
  return column !== null && /^p$|prob/i.test(column);
}

/** Decisions are 0 and 1, and so are their probabilities; bare scores have none. */
export function probabilitiesOf(scores: Float64Array, kind: ScoreKind): Float64Array | null {
  if (kind === 'score') return null;
  return kind === 'logit' ? scores.map(sigmoid) : scores;
}

/** Without overflow on either side. */
function sigmoid(logit: number): number {
  if (logit >= 0) return 1 / (1 + Math.exp(-logit));
  const e = Math.exp(logit);
  return e / (1 + e);
}
