/** Two models on the same patches: the differences of their metrics, and tests of them. */
import { intervalOf } from './bootstrap.js';
import { type Measured, type ModelMeasures, nest } from './measure.js';
import type { Model } from './model.js';
import type { Truth } from './truth.js';
import type { Comparison, Difference, Threshold } from './types.js';

const NOTE = 'takes patches as independent, which those of a slide are not';

export interface CompareRequest {
  readonly model: Model;
  readonly other: Model;
  readonly truth: Truth;
  /** Of the model, and of the other. */
  readonly measures: readonly [ModelMeasures, ModelMeasures];
}

export function compareModels({ model, other, truth, measures: [own, theirs] }: CompareRequest): Comparison {
  const all = differencesOf(own.all, theirs.all, model, other);
  const ranked = all.ranking !== null;
  const last = all.decisions.at(-1);
  const interval = all.ranking?.auc.interval ?? null;
  return {
    ...all,
    unique: own.unique && {
      patches: own.unique.ranked.count,
      ...differencesOf(own.unique, theirs.unique!, model, other),
    },
    delong: ranked ? { ...delong(model.scores, other.scores, truth.labels), note: NOTE } : null,
    mcnemar: last
      ? { ...mcnemar(rightAt(model, truth, last.from), rightAt(other, truth, last.from)), note: NOTE }
      : null,
    distinguishable: interval && !(interval[0] <= 0 && interval[1] >= 0),
  };
}

/** First minus second, of the metrics that both have. Thresholds are those of the second: the first's are in its own metrics. */
function differencesOf(first: Measured, second: Measured, model: Model, other: Model) {
  const of = (name: string): Difference => {
    const value = first.values.get(name)! - second.values.get(name)!;
    const [one, two] = [first.bySlides?.get(name), second.bySlides?.get(name)];
    return {
      value: Number.isNaN(value) ? null : value,
      interval: one && two ? intervalOf(one.map((sample, i) => sample - two[i]!)) : null,
    };
  };
  const both = (threshold: Threshold) => model.thresholds.some(({ from }) => from === threshold.from);
  return nest<Difference, object>({
    has: (name) => first.values.has(name) && second.values.has(name),
    of,
    thresholds: other.thresholds.filter(both),
    more: () => ({}),
  });
}

function rightAt({ values, thresholds }: Model, { labels }: Truth, from: Threshold['from']): Uint8Array {
  const { threshold } = thresholds.find((one) => one.from === from)!;
  return Uint8Array.from(values, (value, patch) => Number(value >= threshold === (labels[patch] === 1)));
}

/**
 * DeLong's test of two AUCs, by ranks: Sun and Xu, 2014, https://doi.org/10.1109/LSP.2014.2337313
 * @returns no z, and p = 1, where the difference has no variance
 */
export function delong(
  first: Float64Array,
  second: Float64Array,
  labels: Uint8Array,
): { z: number | null; p: number } {
  const a = placements(first, labels);
  const b = placements(second, labels);
  const variance = varianceOf(a.positives, b.positives) + varianceOf(a.negatives, b.negatives);
  if (!(variance > 0)) return { z: null, p: 1 };
  const z = (a.auc - b.auc) / Math.sqrt(variance);
  return { z, p: erfc(Math.abs(z) / Math.SQRT2) };
}

interface Placements {
  readonly auc: number;
  /** For each positive, the share of negatives below it; for each negative, the share of positives above it. */
  readonly positives: Float64Array;
  readonly negatives: Float64Array;
}

function placements(scores: Float64Array, labels: Uint8Array): Placements {
  const positives = placesOf(labels, 1);
  const negatives = placesOf(labels, 0);
  const all = midranks(scores);
  const among = (places: Uint32Array) => midranks(Float64Array.from(places, (place) => scores[place]!));
  const [amongPositives, amongNegatives] = [among(positives), among(negatives)];
  const below = Float64Array.from(
    positives,
    (place, i) => (all[place]! - amongPositives[i]!) / negatives.length,
  );
  const above = Float64Array.from(
    negatives,
    (place, i) => 1 - (all[place]! - amongNegatives[i]!) / positives.length,
  );
  return { auc: mean(below), positives: below, negatives: above };
}

function placesOf(labels: Uint8Array, label: number): Uint32Array {
  return Uint32Array.from(labels.keys()).filter((place) => labels[place] === label);
}

/** Ranks from 1; equal values share the mean of theirs. */
function midranks(values: Float64Array): Float64Array {
  const order = Uint32Array.from(values.keys()).sort((a, b) => values[a]! - values[b]!);
  const ranks = new Float64Array(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (let i = start; i < end; i++) ranks[order[i]!] = (start + 1 + end) / 2;
    start = end;
  }
  return ranks;
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Variance of the mean of the differences; NaN for fewer than two. */
function varianceOf(a: Float64Array, b: Float64Array): number {
  const differences = a.map((value, i) => value - b[i]!);
  const middle = mean(differences);
  const squares = differences.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return squares / (differences.length - 1) / differences.length;
}

/** The complementary error function, to some 14 digits: a series near 0, a continued fraction beyond. */
export function erfc(x: number): number {
  if (x < 2) {
    let [term, sum] = [x, x];
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}

/**
 * McNemar's exact test: how likely it is that b and c, of which each would be as likely as the other, differ so much.
 * @returns b: first right, second wrong; c: first wrong, second right
 */
export function mcnemar(
  firstRight: Uint8Array,
  secondRight: Uint8Array,
): { b: number; c: number; p: number } {
  let [b, c] = [0, 0];
  for (let i = 0; i < firstRight.length; i++) {
    b += firstRight[i]! & ~secondRight[i]! & 1;
    c += ~firstRight[i]! & secondRight[i]! & 1;
  }
  return { b, c, p: b === c ? 1 : Math.min(1, 2 * binomialTail(b + c, Math.min(b, c))) };
}

/** P(X <= k) of n fair coins. */
function binomialTail(n: number, k: number): number {
  // Summed from the largest term down, each from the one before: C(n, i - 1) = C(n, i) * i / (n - i + 1).
  let logLargest = -n * Math.LN2;
  for (let i = 1; i <= k; i++) logLargest += Math.log((n - i + 1) / i);
  let [term, sum] = [1, 1];
  for (let i = k; i > 0 && term > 1e-18; i--) {
    term *= i / (n - i + 1);
    sum += term;
  }
  return Math.exp(logLargest) * sum;
}
