/**
 * The metrics of scores against labels, for weighted patches: a bootstrap resample is a weight per patch, and the
 * values themselves are those of weight 1. Numbers are those of scikit-learn for float64.
 */
import type { Confusion, Threshold } from './types.js';

const BINS = 15;
/** scikit-learn clips probabilities at the epsilon of float64. */
const EPSILON = Number.EPSILON;

const RANKING = ['auc', 'averagePrecision'] as const;
const PROBABILITY = ['nll', 'brier', 'ece'] as const;
const DECISION = ['accuracy', 'balancedAccuracy', 'sensitivity', 'specificity', 'precision', 'f1'] as const;

/** What the calibration of probabilities is measured by. */
interface Calibration {
  /** Label less probability, and log loss, at each rank. */
  readonly residual: Float64Array;
  readonly loss: Float64Array;
  /** The rank after the last one of each bin of the ECE, the highest bin first. */
  readonly binEnds: readonly number[];
}

/** Some patches with scores and labels, from the highest score down. */
export interface Ranked {
  readonly count: number;
  /** The patch at each rank: its place in what was ranked. */
  readonly patches: Uint32Array;
  /** 0 or 1, as floats: the bootstrap would spend most of its time on turning integers into floats. */
  readonly labels: Float64Array;
  /** 1 where the next rank has a lower score. */
  readonly ends: Uint8Array;
  /** `null` where there are no probabilities. */
  readonly calibration: Calibration | null;
  /** Ranks at which counts are noted, ascending: the ends of what each threshold calls positive. */
  readonly cuts: Uint32Array;
  /** The place in `cuts` of each threshold. */
  readonly thresholdCuts: readonly number[];
  /** Names of the values that `evaluate` returns, in their order. */
  readonly metrics: readonly string[];
}

export interface RankRequest {
  /** Higher is more likely tumor. */
  readonly scores: Float64Array;
  /** What thresholds are compared with, and, where `calibrated`, probabilities. It never falls where the score rises. */
  readonly values: Float64Array;
  readonly labels: Uint8Array;
  /** Whether the order of the scores means anything: not that of decisions. */
  readonly ranking: boolean;
  readonly calibrated: boolean;
  readonly thresholds: readonly Threshold[];
}

export function rank({ scores, values, labels, ranking, calibrated, thresholds }: RankRequest): Ranked {
  const count = scores.length;
  const patches = descending(scores);
  const byRank = (from: Float64Array | Uint8Array) => Float64Array.from(patches, (patch) => from[patch]!);
  const ranked = byRank(scores);
  const ends = new Uint8Array(count);
  for (let r = 0; r < count; r++) ends[r] = Number(r + 1 === count || ranked[r + 1]! < ranked[r]!);
  const sorted = byRank(values);
  const truth = byRank(labels);
  const ranksFrom = (edge: number) => partition(count, (r) => sorted[r]! >= edge);
  const thresholdEnds = thresholds.map(({ threshold }) => ranksFrom(threshold));
  const cuts = Uint32Array.from(new Set([...thresholdEnds, count])).sort();
  return {
    ...{ count, patches, ends, cuts, labels: truth },
    calibration: calibrated ? calibrationOf(sorted, truth, ranksFrom) : null,
    thresholdCuts: thresholdEnds.map((end) => cuts.indexOf(end)),
    metrics: [
      ...(ranking ? RANKING : []),
      ...(calibrated ? PROBABILITY : []),
      ...thresholds.flatMap(({ from }) => DECISION.map((name) => `${from}.${name}`)),
    ],
  };
}

/** Places of the scores, from the highest to the lowest; of equal ones, the first first. */
function descending(scores: Float64Array): Uint32Array {
  return Uint32Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
}

/** How many of the first ranks have a property that the later ones do not have. */
function partition(count: number, has: (rank: number) => boolean): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (has(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function calibrationOf(
  p: Float64Array,
  labels: Float64Array,
  ranksFrom: (edge: number) => number,
): Calibration {
  const clip = (value: number) => Math.min(1 - EPSILON, Math.max(EPSILON, value));
  return {
    residual: p.map((value, r) => labels[r]! - value),
    loss: p.map((value, r) => -Math.log(clip(labels[r] ? value : 1 - value))),
    binEnds: Array.from({ length: BINS }, (_, i) => ranksFrom((BINS - 1 - i) / BINS)),
  };
}

/** A weight per rank: how often a resample has the patch. Floats, as labels are. */
export type Weights = Float64Array;

/** The metrics named in `ranked.metrics`; NaN where one is undefined. */
export function evaluate(ranked: Ranked, weights: Weights): Float64Array {
  const counts = countRanks(ranked, weights);
  const { positives, negatives, area, precisions } = counts;
  const [positive, negative] = [positives.at(-1)!, negatives.at(-1)!];
  const total = positive + negative;
  const bothClasses = positive > 0 && negative > 0;
  const values: number[] = [];
  if (ranked.metrics[0] === RANKING[0]) {
    values.push(bothClasses ? area / (positive * negative) : Number.NaN);
    values.push(bothClasses ? precisions / positive : Number.NaN);
  }
  if (ranked.calibration)
    values.push(...calibrationSums(ranked.calibration, weights).map((sum) => sum / total));
  for (const cut of ranked.thresholdCuts) {
    const [tp, fp] = [positives[cut]!, negatives[cut]!];
    values.push(...decide({ tp, fp, fn: positive - tp, tn: negative - fp }));
  }
  return Float64Array.from(values);
}

interface RankCounts {
  /** Weights of both labels up to each cut. */
  readonly positives: Float64Array;
  readonly negatives: Float64Array;
  /** Pairs in the right order, those of equal scores as half. */
  readonly area: number;
  /** Sum of the precision at each positive. */
  readonly precisions: number;
}

function countRanks(ranked: Ranked, weights: Weights): RankCounts {
  const { cuts } = ranked;
  const positives = new Float64Array(cuts.length);
  const negatives = new Float64Array(cuts.length);
  const sums = new Float64Array(4);
  let start = 0;
  for (const [i, end] of cuts.entries()) {
    addRanks(sums, ranked, weights, start, end);
    start = end;
    positives[i] = sums[2]!;
    negatives[i] = sums[3]! - sums[2]!;
  }
  return { positives, negatives, area: sums[0]!, precisions: sums[1]! };
}

/** Nothing is divided by zero before the first weight; beside a weight it vanishes. */
const TINY = Number.MIN_VALUE;

/**
 * The inner loop of the bootstrap: one step per patch, without a branch that depends on its label. The sums of the ranks
 * before are in an array: as variables of nested loops they become objects, which takes eight times as long
 * (V8 12.4).
 */
function addRanks(
  sums: Float64Array,
  { labels, ends }: Ranked,
  weights: Weights,
  start: number,
  end: number,
): void {
  let area = sums[0]!;
  let precisions = sums[1]!;
  let positives = sums[2]!;
  let seen = sums[3]!;
  let group = 0;
  let groupPositives = 0;
  for (let r = start; r < end; r++) {
    const weight = weights[r]!;
    groupPositives += weight * labels[r]!;
    group += weight;
    if (ends[r] === 1) {
      area += (group - groupPositives) * (positives + groupPositives / 2);
      positives += groupPositives;
      seen += group;
      precisions += (groupPositives * positives) / (seen + TINY);
      group = 0;
      groupPositives = 0;
    }
  }
  sums.set([area, precisions, positives, seen]);
}

/** Sums of log loss, squared error, and the distance of predicted and true positives in each bin. */
function calibrationSums(calibration: Calibration, weights: Weights): Float64Array {
  const sums = new Float64Array(3);
  let [start, ece] = [0, 0];
  for (const end of calibration.binEnds) {
    sums[2] = 0;
    addCalibration(sums, calibration, weights, start, end);
    ece += Math.abs(sums[2]);
    start = end;
  }
  sums[2] = ece;
  return sums;
}

/** The other inner loop: adds log loss, squared error and residual. */
function addCalibration(
  sums: Float64Array,
  { residual, loss }: Calibration,
  weights: Weights,
  start: number,
  end: number,
): void {
  let nll = sums[0]!;
  let brier = sums[1]!;
  let distance = sums[2]!;
  for (let r = start; r < end; r++) {
    const weight = weights[r]!;
    const weighted = weight * residual[r]!;
    nll += weight * loss[r]!;
    brier += weighted * residual[r]!;
    distance += weighted;
  }
  sums[0] = nll;
  sums[1] = brier;
  sums[2] = distance;
}

/** In the order of DECISION. */
function decide({ tp, fp, tn, fn }: Confusion): number[] {
  const sensitivity = tp / (tp + fn);
  const specificity = tn / (tn + fp);
  return [
    (tp + tn) / (tp + fp + tn + fn),
    (sensitivity + specificity) / 2,
    sensitivity,
    specificity,
    tp + fp > 0 ? tp / (tp + fp) : 0,
    tp > 0 ? (2 * tp) / (2 * tp + fp + fn) : 0,
  ];
}

export function confusionAt(values: Float64Array, labels: Uint8Array, threshold: number): Confusion {
  const counts = { tp: 0, fp: 0, tn: 0, fn: 0 };
  for (let i = 0; i < values.length; i++) {
    const called = values[i]! >= threshold;
    if (labels[i]) counts[called ? 'tp' : 'fn']++;
    else counts[called ? 'fp' : 'tn']++;
  }
  return counts;
}

/** Area under the ROC curve, ties as half; NaN with one class. */
export function aucOf(scores: Float64Array, labels: Uint8Array): number {
  const request = { scores, values: scores, labels, ranking: true, calibrated: false, thresholds: [] };
  return evaluate(rank(request), new Float64Array(scores.length).fill(1))[0]!;
}

/** The threshold of the best accuracy: one of the values or 0.5; of equals the one nearest 0.5, then the smaller. */
export function bestThreshold(values: Float64Array, labels: Uint8Array): number {
  const order = descending(values);
  const half = partition(order.length, (r) => values[order[r]!]! >= 0.5);
  let best = { threshold: 0.5, right: Number.NEGATIVE_INFINITY };
  // Right answers, less those of calling everything negative.
  let right = 0;
  const consider = (threshold: number) => {
    const [distance, least] = [Math.abs(threshold - 0.5), Math.abs(best.threshold - 0.5)];
    const nearer = distance < least || (distance === least && threshold < best.threshold);
    if (right > best.right || (right === best.right && nearer)) best = { threshold, right };
  };
  for (let r = 0; r <= order.length; r++) {
    const value = values[order[r]!];
    // A threshold calls its own value positive, so it is considered after the last one of equals.
    if (r > 0 && values[order[r - 1]!] !== value) consider(values[order[r - 1]!]!);
    if (r === half) consider(0.5);
    if (value !== undefined) right += labels[order[r]!]! ? 1 : -1;
  }
  return best.threshold;
}
