/** A model as its scores show it: one score per patch, what the scores are, and from where on a patch is called positive. */
import { PcamError } from '../core/index.js';
import { align } from './input/align.js';
import type { ScoreRows } from './input/rows.js';
import { kindOf, probabilitiesOf, type ScoreKind } from './kind.js';
import { bestThreshold } from './metrics.js';
import type { Truth, TruthFolder } from './truth.js';
import type { Threshold } from './types.js';
import { KIND_WORDS } from './words.js';

const DEFAULT_THRESHOLD = 0.5;

export interface Model {
  readonly file: string;
  /** The column that the scores are from; `null` for an array. */
  readonly column: string | null;
  readonly kind: ScoreKind;
  /** Whether the caller said what the scores are. */
  readonly told: boolean;
  /** As they are in the file: what is ranked. */
  readonly scores: Float64Array;
  /** Probabilities of tumor, or bare scores: what thresholds are compared with. */
  readonly values: Float64Array;
  readonly thresholds: readonly Threshold[];
  /** Rows of other splits. */
  readonly ignored: number;
}

export interface ModelRequest {
  readonly rows: ScoreRows;
  readonly truth: Truth;
  readonly digests: TruthFolder['digests'];
  readonly as?: ScoreKind;
  readonly threshold?: number;
  /** The scores of valid, and its labels. */
  readonly valid: { readonly rows: ScoreRows; readonly truth: Truth } | null;
}

/** @throws PcamError BAD_DATA when patches have no score, or rows no patch; USAGE when an option does not fit */
export async function modelOf(request: ModelRequest): Promise<Model> {
  const { threshold, valid } = request;
  const scored = await scoresOf(request);
  const { file, kind, values } = scored;
  if (threshold !== undefined && kind !== 'score' && !(threshold >= 0 && threshold <= 1)) {
    throw new PcamError(
      'USAGE',
      `the threshold ${threshold} is not from 0 to 1, as the probabilities of ${file} are`,
      {
        hint: 'logits are compared as probabilities, too; with bare scores, any number will do',
        options: ['threshold', 'as'],
      },
    );
  }
  const thresholds: Threshold[] = [];
  if (threshold !== undefined) thresholds.push({ threshold, from: 'given' });
  else if (kind !== 'score') thresholds.push({ threshold: DEFAULT_THRESHOLD, from: 'default' });
  if (valid) {
    const onValid = await scoresOf({ ...request, ...valid });
    if (onValid.kind !== kind) {
      throw new PcamError(
        'USAGE',
        `${file} is taken as ${KIND_WORDS[kind]}, ${onValid.file} as ${KIND_WORDS[onValid.kind]}`,
        {
          hint: 'say what they are',
          options: ['as'],
        },
      );
    }
    thresholds.push({ threshold: bestThreshold(onValid.values, valid.truth.labels), from: 'valid' });
  }
  return { ...scored, values, thresholds };
}

async function scoresOf({
  rows,
  truth: { split, labels },
  digests,
  as,
}: Omit<ModelRequest, 'valid'>): Promise<Omit<Model, 'thresholds'>> {
  const own = rows.sha1 ? await digests(split) : null;
  const { scores, ignored } = await align({
    ...{ rows, split, patches: labels.length },
    first: own?.first ?? null,
    bySha1: async (name) => (await digests(name))?.bySha1() ?? null,
  });
  const { file, column, twoLogits } = rows;
  const kind = kindOf({ file, scores, column, twoLogits, as });
  const values = probabilitiesOf(scores, kind) ?? scores;
  return { file, column, kind, told: as !== undefined, scores, values, ignored };
}
