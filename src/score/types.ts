/** Options and result of score. */
import type { OnEvent } from '../core/index.js';
import type { Manifest, SplitName } from '../manifest/index.js';
import type { ScoreKind } from './kind.js';

export interface ScoreOptions {
  /** The scores: `.npy`, `.csv`, `.tsv` or `.parquet`. */
  file: string;
  /** The data set folder. @default 'pcam' */
  dir?: string;
  /** A manifest, or the path of one. @default the built-in one */
  manifest?: Manifest | string;
  /** @default the split that the rows name, else test */
  split?: SplitName;
  /** Scores of valid, to choose a threshold. */
  valid?: string;
  /** Scores of another model, to compare with; and its scores of valid. */
  compare?: string;
  compareValid?: string;
  /** A patch is called positive from here on. @default 0.5, except for bare scores */
  threshold?: number;
  /** What the scores are. @default by their values and the name of their column */
  as?: ScoreKind;
  /** The column that has the scores. */
  column?: string;
  /** Write the wrong patches at the last threshold to this file, most confident first: `split,index` lines. */
  errors?: string;
  /** Resamples of each interval; 0 for none. @default 1000 */
  bootstrap?: number;
  /** The same seed gives the same intervals on every machine. @default 0 */
  seed?: number;
  /** Write an HTML page to this file. */
  out?: string;
  signal?: AbortSignal;
  onEvent?: OnEvent;
}

/** From which score on a patch is called positive, and who says so. */
export interface Threshold {
  readonly threshold: number;
  /** `valid`: the best accuracy on the scores of valid. */
  readonly from: 'default' | 'given' | 'valid';
}

export type Interval = readonly [low: number, high: number];

export interface Metric {
  /** `null` where it is undefined, such as the AUC of one class. */
  readonly value: number | null;
  /** 95 %, from resampling slides. `null` without slides, or where too many resamples leave the metric undefined. */
  readonly interval: Interval | null;
  /** 95 %, from resampling patches as if they were independent. */
  readonly patchInterval: Interval | null;
}

/** First minus second. */
export interface Difference {
  readonly value: number | null;
  readonly interval: Interval | null;
}

export interface DecisionMetrics<M> {
  readonly accuracy: M;
  readonly balancedAccuracy: M;
  readonly sensitivity: M;
  readonly specificity: M;
  readonly precision: M;
  readonly f1: M;
}

/** Where scores can be ranked, are probabilities, and have thresholds. */
export interface Metrics<M, D> {
  readonly ranking: { readonly auc: M; readonly averagePrecision: M } | null;
  readonly probability: { readonly nll: M; readonly brier: M; readonly ece: M } | null;
  readonly decisions: readonly (Threshold & DecisionMetrics<M> & D)[];
}

export interface Confusion {
  readonly tp: number;
  readonly fp: number;
  readonly tn: number;
  readonly fn: number;
}

type WithConfusion = { readonly confusion: Confusion };

export interface SlideScore {
  readonly wsi: string;
  readonly patches: number;
  readonly positive: number;
  /** At the last threshold; `null` where there is none. */
  readonly correct: number | null;
  /** `null` on a slide with one class. */
  readonly auc: number | null;
}

export interface Comparison extends Metrics<Difference, object> {
  readonly unique: ({ readonly patches: number } & Metrics<Difference, object>) | null;
  /** Both take patches as independent, which patches of a slide are not. */
  readonly delong: { readonly z: number | null; readonly p: number; readonly note: string } | null;
  /** b: first right, second wrong; c: first wrong, second right. */
  readonly mcnemar: {
    readonly b: number;
    readonly c: number;
    readonly p: number;
    readonly note: string;
  } | null;
  /** Whether the slide interval of the difference of AUC leaves out 0; `null` where there is no such interval. */
  readonly distinguishable: boolean | null;
}

export interface ScoreFinding {
  readonly level: 'info' | 'warning';
  readonly code: string;
  readonly message: string;
}

export interface ScoreResult extends Metrics<Metric, WithConfusion> {
  readonly ok: true;
  readonly split: SplitName;
  readonly patches: number;
  /** `null` without the meta CSV. */
  readonly slides: number | null;
  readonly as: ScoreKind;
  /** The first of identical patches only; `null` without the images. */
  readonly unique: ({ readonly patches: number } & Metrics<Metric, WithConfusion>) | null;
  /** Worst first. */
  readonly perSlide: readonly SlideScore[] | null;
  readonly compare?: Comparison;
  readonly findings: readonly ScoreFinding[];
}
