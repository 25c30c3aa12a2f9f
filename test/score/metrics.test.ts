/** The metrics, against vectors of scikit-learn, SciPy and a NumPy of all pairs (test/interop/make_score_golden.py). */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { delong, erfc, mcnemar } from '#pcam/score/compare.js';
import { probabilitiesOf, type ScoreKind } from '#pcam/score/kind.js';
import { aucOf, bestThreshold, evaluate, rank } from '#pcam/score/metrics.js';
import { reliability } from '#pcam/score/reliability.js';

interface Case {
  name: string;
  kind: ScoreKind;
  threshold: number;
  labels: number[];
  scores: number[];
  metrics: Record<string, number | null>;
  best: number;
}

interface Pair {
  name: string;
  labels: number[];
  first: number[];
  second: number[];
  delong: { z: number | null; p: number };
  mcnemar: { b: number; c: number; p: number };
}

const { cases, pairs } = JSON.parse(
  await readFile(join(import.meta.dirname, 'golden', 'metrics.json'), 'utf8'),
) as { cases: Case[]; pairs: Pair[] };

function valuesOf({ kind, threshold, labels, scores }: Case) {
  const raw = Float64Array.from(scores);
  const values = probabilitiesOf(raw, kind) ?? raw;
  const ranked = rank({
    scores: raw,
    values,
    labels: Uint8Array.from(labels),
    ranking: kind !== 'decision',
    calibrated: kind === 'probability' || kind === 'logit',
    thresholds: [{ threshold, from: 'given' }],
  });
  const weights = new Float64Array(raw.length).fill(1);
  return { ranked, values, found: evaluate(ranked, weights) };
}

describe('as scikit-learn has it', () => {
  it.each(cases)('$name', (given) => {
    const { ranked, values, found } = valuesOf(given);
    expect([...ranked.metrics].sort()).toEqual(Object.keys(given.metrics).sort());
    for (const [i, name] of ranked.metrics.entries()) {
      const expected = given.metrics[name] ?? Number.NaN;
      // A few units in the last place: sums are added up in another order.
      if (Number.isNaN(expected)) expect(found[i], name).toBeNaN();
      else expect(Math.abs(found[i]! - expected), name).toBeLessThanOrEqual(4e-15 * Math.max(1, expected));
    }
    // NumPy's exp may differ in the last place.
    const best = bestThreshold(values, Uint8Array.from(given.labels));
    expect(Math.abs(best / given.best - 1)).toBeLessThan(1e-15);
  });

  it('with whole weights, as if patches were there so often', () => {
    const given = cases.find(({ name }) => name === 'ties')!;
    const { ranked } = valuesOf(given);
    const times = given.labels.map((_, i) => i % 3);
    const repeat = (values: readonly number[]) =>
      values.flatMap((value, i) => new Array(times[i]).fill(value));
    const weighted = evaluate(
      ranked,
      Float64Array.from(ranked.patches, (patch) => times[patch]!),
    );
    const { found } = valuesOf({ ...given, labels: repeat(given.labels), scores: repeat(given.scores) });
    for (const [i, value] of weighted.entries()) expect(value).toBeCloseTo(found[i]!, 13);
  });
});

describe('two models', () => {
  it.each(pairs)("DeLong's and McNemar's tests: $name", (pair) => {
    const labels = Uint8Array.from(pair.labels);
    const [first, second] = [Float64Array.from(pair.first), Float64Array.from(pair.second)];
    const { z, p } = delong(first, second, labels);
    if (pair.delong.z === null) expect(z).toBeNull();
    else expect(z).toBeCloseTo(pair.delong.z, 10);
    expect(p).toBeCloseTo(pair.delong.p, 12);
    const right = (scores: Float64Array) =>
      Uint8Array.from(scores, (score, i) => Number(score >= 0.5 === (labels[i] === 1)));
    const found = mcnemar(right(first), right(second));
    expect(found).toEqual({ ...pair.mcnemar, p: expect.closeTo(pair.mcnemar.p, 12) });
  });

  it('has no z, and p = 1, where there are too few patches for a variance', () => {
    const scores = Float64Array.of(0.1, 0.9);
    expect(delong(scores, Float64Array.of(0.9, 0.1), Uint8Array.of(0, 1))).toEqual({ z: null, p: 1 });
  });

  it('stays exact for many patches: p of 40,000 against 41,000 as SciPy has it', () => {
    const first = new Uint8Array(81_000).fill(1, 0, 40_000);
    const { p } = mcnemar(
      first,
      first.map((right) => 1 - right),
    );
    expect(Math.abs(p / 0.0004478218231375636 - 1)).toBeLessThan(1e-9);
  });

  it.each([
    [0, 1],
    [0.5, 0.4795001221869535],
    [1.5, 0.03389485352468927],
    [2.5, 0.00040695201744495886],
    [6, 2.1519736712498913e-17],
  ])('erfc(%d)', (x, expected) => {
    expect(Math.abs(erfc(x) / expected - 1)).toBeLessThan(1e-11);
  });
});

describe('small ones', () => {
  it('AUC counts ties as half, and is NaN with one class', () => {
    expect(aucOf(Float64Array.of(1, 1, 1), Uint8Array.of(0, 1, 1))).toBe(0.5);
    expect(aucOf(Float64Array.of(1, 2), Uint8Array.of(1, 1))).toBeNaN();
  });

  it('reliability counts every patch in its own bin, those at an edge in the upper one', () => {
    const p = Float64Array.from({ length: 11 }, (_, i) => i / 10);
    const bins = reliability(p, new Uint8Array(11).fill(1), 10);
    expect(bins.map(({ patches }) => patches)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 2]);
    expect(bins[9]).toEqual({ low: 0.9, high: 1, patches: 2, predicted: 0.95, observed: 1 });
  });
});
