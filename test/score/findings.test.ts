/** Each alarm where it is true, and where it is not. */
import { describe, expect, it } from 'vitest';
import { Random } from '#pcam/core/random.js';
import { type FindingsRequest, findingsOf } from '#pcam/score/findings.js';
import { aucOf } from '#pcam/score/metrics.js';
import type { Model } from '#pcam/score/model.js';
import { ordersOf } from '#pcam/score/orders.js';
import type { Truth } from '#pcam/score/truth.js';

const N = 1200;
const random = new Random(7);
const draw = () => Uint8Array.from({ length: N }, () => random.integer(0, 2));
const labels = draw();
const slides = { names: ['a', 'b'], of: Uint16Array.from(labels.keys(), (i) => i % 2), count: 2 };
const truth: Truth = { split: 'test', labels, slides };

/** Scores of a model of labels: noise of a width, from 0 to 1. */
const scoresOf = (labels: Uint8Array, noise: number) =>
  Float64Array.from(labels, (label) => (label + noise * random.between(0, 1)) / (1 + noise));

async function codes(
  model: Partial<Model> & { scores: Float64Array },
  request: Partial<FindingsRequest> = {},
) {
  const whole: Model = {
    ...{ file: 's.csv', column: null, kind: 'probability', told: false, values: model.scores },
    ...{ thresholds: [], ignored: 0 },
    ...model,
  };
  const found = await findingsOf({
    ...{ model: whole, truth, otherLabels: async () => [], withoutInterval: [] },
    auc: aucOf(model.scores, truth.labels),
    ...request,
  });
  return found.map(({ code }) => code);
}

describe('a fair model', () => {
  it.each([
    ['AUC 0.55', 10],
    ['AUC 0.7', 2.2],
    ['AUC 0.9', 1.3],
  ])('of %s raises none', async (_, noise) => {
    const others = [{ split: 'valid' as const, labels: draw() }];
    expect(await codes({ scores: scoresOf(labels, noise) }, { otherLabels: async () => others })).toEqual([]);
  });

  it('of noise raises none', async () => {
    const scores = Float64Array.from({ length: N }, () => random.between(0, 1));
    expect(await codes({ scores })).toEqual([]);
  });
});

describe('SWAPPED_SPLIT', () => {
  const valid = draw();
  const scores = scoresOf(valid, 1.2);

  it('where the scores fit another split', async () => {
    const otherLabels = async () => [{ split: 'valid' as const, labels: valid }];
    expect(await codes({ scores }, { otherLabels })).toEqual(['SWAPPED_SPLIT']);
  });

  it('not where that split has another number of patches, or fits little better', async () => {
    const shorter = [{ split: 'valid' as const, labels: valid.subarray(1) }];
    expect(await codes({ scores }, { otherLabels: async () => shorter })).toEqual([]);
    const both = Float64Array.from(labels, (label, i) => label + valid[i]! + 0.1 * random.between(0, 1));
    const equal = [{ split: 'valid' as const, labels: valid }];
    expect(await codes({ scores: both, kind: 'logit' }, { otherLabels: async () => equal })).toEqual([]);
  });
});

describe('MISORDERED', () => {
  const orders = [...ordersOf('test', labels)];
  it.each(orders)('where the scores are in the order of $name', async ({ name, patches }) => {
    const scores = scoresOf(
      Uint8Array.from(patches, (patch) => labels[patch]!),
      1.2,
    );
    const found = await findingsOf({
      model: {
        file: 's',
        column: null,
        kind: 'score',
        told: true,
        scores,
        values: scores,
        thresholds: [],
        ignored: 0,
      },
      ...{ truth, otherLabels: async () => [], withoutInterval: [] },
      auc: aucOf(scores, labels),
    });
    expect(found.every(({ code }) => code === 'MISORDERED')).toBe(true);
    expect(found.some(({ message }) => message.includes(name))).toBe(true);
  });

  it('not where padded names are sorted as text: that is the order of the file', async () => {
    const names = Array.from(labels, (_, i) => `test_${String(i).padStart(6, '0')}`).sort();
    const byName = Uint8Array.from(names, (name) => labels[Number(name.slice(5))]!);
    expect(await codes({ scores: scoresOf(byName, 1.2) })).toEqual([]);
  });
});

describe('what scores look like', () => {
  const inverted = scoresOf(labels, 1.2).map((score) => 1 - score);
  const decisions = scoresOf(labels, 2).map((score) => Number(score > 0.5));
  const logits = scoresOf(labels, 2).map((score) => 10 * (score - 0.5));
  const good = scoresOf(labels, 1.2);

  it.each<[string, Partial<Model> & { scores: Float64Array }, string[]]>([
    ['INVERTED below an AUC of 0.3', { scores: inverted }, ['INVERTED']],
    ['not INVERTED at 0.4', { scores: scoresOf(labels, 6).map((score) => 1 - score) }, []],
    ['CONSTANT', { scores: new Float64Array(N).fill(0.4) }, ['CONSTANT']],
    ['not CONSTANT with one other', { scores: new Float64Array(N).fill(0.4).fill(0.5, 3, 4) }, []],
    ['PERFECT', { scores: Float64Array.from(labels, (label) => 0.2 + label / 2) }, ['PERFECT']],
    [
      'not PERFECT with one mistake',
      { scores: Float64Array.from(labels, (y, i) => (i === 9 ? 1 - y : y) * 0.5) },
      [],
    ],
    ['LOGITS in a column of probabilities', { scores: logits, kind: 'logit', column: 'prob' }, ['LOGITS']],
    ['not LOGITS in another column', { scores: logits, kind: 'logit', column: 'score' }, []],
    ['not LOGITS where they are said to be', { scores: logits, kind: 'logit', column: 'p', told: true }, []],
    ['not LOGITS where they are none', { scores: good, column: 'prob' }, []],
    ['LABELS', { scores: decisions, kind: 'decision', column: 'prob' }, ['LABELS']],
    ['not LABELS where decisions are meant', { scores: decisions, kind: 'decision', told: true }, []],
  ])('%s', async (_, model, expected) => {
    expect(await codes(model)).toEqual(expected);
  });
});

describe('intervals', () => {
  const scores = scoresOf(labels, 2);

  it('NO_SLIDES without the meta CSV, and with one slide', async () => {
    expect(await codes({ scores }, { truth: { ...truth, slides: null } })).toEqual(['NO_SLIDES']);
    const one = { names: ['a'], of: new Uint16Array(N), count: 1 };
    expect(await codes({ scores }, { truth: { ...truth, slides: one } })).toEqual(['NO_SLIDES']);
  });

  it('NO_INTERVAL where too many resamples leave a metric undefined', async () => {
    expect(await codes({ scores }, { withoutInterval: ['auc'] })).toEqual(['NO_INTERVAL']);
  });
});
