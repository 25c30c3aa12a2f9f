/** `score` on a data set: its document, its options, and what it does without images or meta CSV. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { PcamEvent } from '#pcam/core/events.js';
import { readLabels } from '#pcam/dataset/labels.js';
import { stats } from '#pcam/explore/stats/index.js';
import type { SplitName } from '#pcam/manifest/types.js';
import type { CollectedScore } from '#pcam/score/score.js';
import { collectScore, score } from '#pcam/score/score.js';
import type { ScoreOptions, ScoreResult } from '#pcam/score/types.js';
import { makeDataset, type TestDataset } from '../support/dataset.js';
import { pcamError } from '../support/outcome.js';
import { sharedFolder, temporaryFolder } from '../support/temp.js';

const COUNTS = { train: 12, valid: 300, test: 300 };
let data: TestDataset;
let root: string;
const labels = {} as Record<SplitName, Uint8Array>;
beforeAll(async () => {
  const { folder, remove } = await sharedFolder();
  root = folder;
  data = await makeDataset({ ...COUNTS, root });
  for (const split of ['valid', 'test'] as const) {
    labels[split] = await readLabels({ file: data.path(split, 'labels'), path: 'y' });
  }
  return remove;
});

/** Some probabilities that fit, without ties: by hand, so that every run has the same. */
const fair = (of: Uint8Array, noise = 0.9) =>
  Array.from(of, (label, i) => (label + noise * 2 * (((i * 37) % 83) / 83)) / (1 + 2 * noise));

async function csv(
  scores: readonly number[],
  header = 'prob',
  row = (i: number) => `${scores[i]}`,
): Promise<string> {
  const file = join(await temporaryFolder(), 'scores.csv');
  await writeFile(file, `${header}\n${scores.map((_, i) => row(i)).join('\n')}\n`);
  return file;
}

const collect = (options: Partial<ScoreOptions> & { file: string }): Promise<CollectedScore> =>
  collectScore({ dir: data.dir, manifest: data.manifest, bootstrap: 50, ...options });
const scored = async (options: Partial<ScoreOptions> & { file: string }): Promise<ScoreResult> =>
  (await collect(options)).result;

describe('the document', () => {
  it('has every metric with both intervals, all and unique patches, and every slide', async () => {
    const result = await scored({ file: await csv(fair(labels.test)) });
    const [expected] = (await stats({ ...data, splits: ['test'] })).splits;
    expect(result).toMatchObject({
      ok: true,
      split: 'test',
      patches: 300,
      slides: expected!.slides,
      as: 'probability',
    });
    const metric = {
      value: expect.any(Number),
      interval: [expect.any(Number), expect.any(Number)],
      patchInterval: [expect.any(Number), expect.any(Number)],
    };
    const metrics = {
      ranking: { auc: metric, averagePrecision: metric },
      probability: { nll: metric, brier: metric, ece: metric },
      decisions: [
        {
          ...{
            threshold: 0.5,
            from: 'default',
            accuracy: metric,
            balancedAccuracy: metric,
            sensitivity: metric,
          },
          ...{ specificity: metric, precision: metric, f1: metric },
          confusion: {
            tp: expect.any(Number),
            fp: expect.any(Number),
            tn: expect.any(Number),
            fn: expect.any(Number),
          },
        },
      ],
    };
    expect(result).toMatchObject(metrics);
    expect(result.unique).toEqual({ patches: expected!.unique, ...metrics });
    expect(Object.keys(result).sort()).toEqual(
      'as decisions findings ok patches perSlide probability ranking slides split unique'.split(' '),
    );
    const { tp, fp, tn, fn } = result.decisions[0]!.confusion;
    expect(tp + fp + tn + fn).toBe(300);
    expect((tp + tn) / 300).toBeCloseTo(result.decisions[0]!.accuracy.value!, 15);
    const slides = result.perSlide!;
    expect(slides.reduce((sum, { patches }) => sum + patches, 0)).toBe(300);
    expect(slides.reduce((sum, { correct }) => sum + correct!, 0)).toBe(tp + tn);
    const shares = slides.map(({ patches, correct }) => correct! / patches);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(
      [...slides]
        .sort((a, b) => (a.wsi < b.wsi ? -1 : 1))
        .map(({ wsi, patches, positive }) => ({ wsi, patches, positive })),
    ).toEqual(expected!.perSlide);
  });

  it('is the same for the same call, and has other intervals for another seed', async () => {
    const file = await csv(fair(labels.test));
    const first = await scored({ file });
    expect(await scored({ file })).toEqual(first);
    const other = await scored({ file, seed: 1 });
    expect(other.ranking!.auc.value).toBe(first.ranking!.auc.value);
    expect(other.ranking!.auc.interval).not.toEqual(first.ranking!.auc.interval);
    expect(await scored({ file, bootstrap: 0 })).toMatchObject({
      ranking: { auc: { value: first.ranking!.auc.value, interval: null, patchInterval: null } },
    });
  });

  it('has no ranking and no probability of decisions, and no probability of bare scores', async () => {
    const decisions = await scored({
      file: await csv(
        fair(labels.test).map((p) => Math.round(p)),
        'pred',
      ),
    });
    expect(decisions).toMatchObject({
      as: 'decision',
      ranking: null,
      probability: null,
      decisions: [{ threshold: 0.5 }],
    });
    const bare = await scored({ file: await csv(fair(labels.test)), as: 'score' });
    expect(bare).toMatchObject({ as: 'score', probability: null, decisions: [] });
    expect(bare.ranking!.auc.value).toBeGreaterThan(0.5);
    expect(bare.perSlide![0]).toMatchObject({ correct: null });
    const given = await scored({ file: await csv(fair(labels.test)), as: 'score', threshold: 0.3 });
    expect(given.decisions).toMatchObject([{ threshold: 0.3, from: 'given' }]);
  });

  it('turns logits into probabilities, for thresholds too', async () => {
    const logits = fair(labels.test).map((p) => Math.log(p + 1e-3) - Math.log(1.001 - p));
    const result = await scored({ file: await csv(logits, 'logit'), threshold: 0.7 });
    const file = await csv(logits.map((x) => 1 / (1 + Math.exp(-x))));
    expect(result.as).toBe('logit');
    expect(result.decisions[0]!.confusion).toEqual(
      (await scored({ file, threshold: 0.7 })).decisions[0]!.confusion,
    );
  });
});

it('reports the resamples, all of them in the end', async () => {
  const events: PcamEvent[] = [];
  await scored({ file: await csv(fair(labels.test)), onEvent: (event) => void events.push(event) });
  const [begin, ...rest] = events.filter((event) => 'step' in event && event.step === 'resample');
  const total = 4 * 50;
  expect(begin).toMatchObject({ type: 'begin', task: 'score of test', unit: 'resamples', done: 0, total });
  expect(rest.at(-1)).toMatchObject({ type: 'end', outcome: 'done', done: total, total });
});

describe('files of the data set', () => {
  it('are the labels alone: without images and meta CSV, the rest is null', async () => {
    const bare = await makeDataset({ ...COUNTS, root: await temporaryFolder() });
    const file = await csv(fair(labels.test));
    const whole = await scored({ file });
    for (const split of ['train', 'valid', 'test'] as const) {
      await rm(bare.path(split, 'images'));
      await rm(bare.path(split, 'meta'));
    }
    const result = await score({ dir: bare.dir, manifest: bare.manifest, bootstrap: 50, file });
    expect(result).toMatchObject({ slides: null, unique: null, perSlide: null });
    expect(result.ranking!.auc).toEqual({ ...whole.ranking!.auc, interval: null });
    expect(result.findings.map(({ code }) => code)).toEqual(['NO_SLIDES']);
  });

  it('are its own: other labels are not scored', async () => {
    const spoilt = await makeDataset({ ...COUNTS, root: await temporaryFolder() });
    await writeFile(spoilt.path('test', 'labels'), await readFile(spoilt.path('valid', 'labels')));
    const file = await csv(fair(labels.test));
    const error = await pcamError(score({ dir: spoilt.dir, manifest: spoilt.manifest, file }));
    expect(error).toMatchObject({ code: 'NOT_VERIFIED' });
    await rm(spoilt.path('test', 'labels'));
    expect(await pcamError(score({ dir: spoilt.dir, manifest: spoilt.manifest, file }))).toMatchObject({
      code: 'MISSING',
    });
  });

  it('raise an alarm where the scores fit another split', async () => {
    const { findings } = await scored({ file: await csv(fair(labels.valid, 0.6)) });
    expect(findings.map(({ code }) => code)).toEqual(['SWAPPED_SPLIT']);
  });

  it("give each patch the score of its SHA-1, and count those of other splits: Kaggle's submissions", async () => {
    const table = join(await temporaryFolder(), 'table.csv');
    await stats({ ...data, splits: ['valid', 'test'], table });
    const rows = (await readFile(table, 'utf8'))
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(','));
    const scores = fair(labels.test);
    const sha1Of = (split: string) => rows.filter(([name]) => name === split).map((row) => row[3]!);
    const test = sha1Of('test');
    const lines = [...new Set(test)].map((sha1) => `${sha1}.tif,${scores[test.indexOf(sha1)]}`);
    const others = [...new Set(sha1Of('valid'))].filter((sha1) => !test.includes(sha1));
    const file = join(await temporaryFolder(), 'submission.csv');
    await writeFile(file, `id,label\n${[...lines, ...others.map((sha1) => `${sha1},0.5`)].join('\n')}\n`);
    const { result, model } = await collect({ file });
    expect(model.ignored).toBe(others.length);
    expect([...model.scores]).toEqual(test.map((sha1) => scores[test.indexOf(sha1)]));
    expect(result.unique!.patches).toBe(new Set(test).size);
  });
});

describe('the split', () => {
  const keyed = (split: SplitName) => (i: number) => `${split}_${i},${fair(labels[split])[i]}`;

  it('is the one that the rows name', async () => {
    const file = await csv(fair(labels.valid), 'key,prob', keyed('valid'));
    expect(await scored({ file })).toMatchObject({ split: 'valid', patches: 300 });
    expect(await pcamError(scored({ file, split: 'test' }))).toMatchObject({ code: 'USAGE' });
  });

  it('is chosen where they name several: test, unless another is asked for', async () => {
    const both = (i: number) => `${keyed('valid')(i)}\n${keyed('test')(i)}`;
    const file = await csv(fair(labels.valid), 'key,prob', both);
    expect(await collect({ file })).toMatchObject({ result: { split: 'test' }, model: { ignored: 300 } });
    expect(await scored({ file, split: 'valid' })).toMatchObject({ split: 'valid' });
  });
});

describe('thresholds', () => {
  it('come from valid, and never from the scored split', async () => {
    const file = await csv(fair(labels.test));
    const valid = await csv(fair(labels.valid).map((p) => p * 0.5));
    const { decisions } = await scored({ file, valid });
    expect(decisions.map(({ from }) => from)).toEqual(['default', 'valid']);
    const candidates = fair(labels.valid).map((p) => p * 0.5);
    const right = (t: number) => candidates.filter((p, i) => p >= t === (labels.valid[i] === 1)).length;
    const best = Math.max(...[...candidates, 0.5].map(right));
    expect(right(decisions[1]!.threshold)).toBe(best);
    expect(await pcamError(scored({ file: valid, split: 'valid', valid }))).toMatchObject({ code: 'USAGE' });
  });

  it.each<[string, Partial<ScoreOptions>]>([
    ['a threshold that is no probability', { threshold: 7 }],
    ['decisions that are none', { as: 'decision' }],
    ['a second model that is not there', { compareValid: 'x.csv' }],
    ['too many resamples', { bootstrap: 1e9 }],
    ['a threshold that is no number', { threshold: Number.NaN }],
    ['errors of bare scores', { as: 'score', errors: 'errors.txt' }],
    ['a file of the data set to write to', { errors: 'LABELS' }],
    ['the scores to write to', { errors: 'SCORES' }],
  ])('%s is wrong usage', async (_, options) => {
    const file = await csv(fair(labels.test));
    const errors =
      options.errors === 'LABELS'
        ? data.path('test', 'labels')
        : options.errors === 'SCORES'
          ? file
          : options.errors;
    expect(await pcamError(scored({ file, ...options, errors }))).toMatchObject({ code: 'USAGE' });
  });
});

describe('two models', () => {
  it('are compared on the same slides, with the nesting of the document', async () => {
    const [file, compare] = [await csv(fair(labels.test, 0.6)), await csv(fair(labels.test, 1.5).reverse())];
    const [one, two, both] = [
      await scored({ file }),
      await scored({ file: compare }),
      await scored({ file, compare }),
    ];
    const difference = both.compare!;
    expect(difference.ranking!.auc.value).toBe(one.ranking!.auc.value! - two.ranking!.auc.value!);
    expect(difference.decisions).toMatchObject([
      { threshold: 0.5, from: 'default', f1: { interval: [expect.any(Number), expect.any(Number)] } },
    ]);
    expect(difference.unique!.probability!.nll.value).toBeCloseTo(
      one.unique!.probability!.nll.value! - two.unique!.probability!.nll.value!,
      14,
    );
    expect(difference.delong).toMatchObject({
      z: expect.any(Number),
      p: expect.any(Number),
      note: expect.stringMatching(/independent/),
    });
    expect(difference.mcnemar).toMatchObject({ note: expect.stringMatching(/independent/) });
    const [low, high] = difference.ranking!.auc.interval!;
    expect(difference.distinguishable).toBe(low > 0 || high < 0);
    expect(both.ranking).toEqual(one.ranking);
  });

  it('that are the same do not differ', async () => {
    const file = await csv(fair(labels.test));
    const { compare } = await scored({ file, compare: file });
    expect(compare).toMatchObject({
      ...{ distinguishable: false, delong: { z: null, p: 1 }, mcnemar: { b: 0, c: 0, p: 1 } },
      ranking: { auc: { value: 0, interval: [0, 0] } },
    });
  });

  it('share what both have: decisions beside probabilities', async () => {
    const compare = await csv(
      fair(labels.test).map((p) => Math.round(p)),
      'pred',
    );
    const { compare: found } = await scored({ file: await csv(fair(labels.test)), compare });
    expect(found).toMatchObject({ ranking: null, probability: null, delong: null, distinguishable: null });
    expect(found!.decisions[0]!.accuracy.value).toBe(0);
  });
});

describe('the file of errors', () => {
  it('lists the wrong patches of the last threshold, most confident first', async () => {
    const errors = join(await temporaryFolder(), 'errors.txt');
    const { wrong, result } = await collect({ file: await csv(fair(labels.test, 2)), errors });
    const { fp, fn } = result.decisions[0]!.confusion;
    expect(wrong).toHaveLength(fp + fn);
    expect(await readFile(errors, 'utf8')).toBe(wrong!.map(({ index }) => `test,${index}\n`).join(''));
    const confidence = wrong!.map(({ value, label }) => Math.abs(value - label));
    expect(confidence).toEqual(confidence.toSorted((a, b) => b - a));
    for (const { index, label, value } of wrong!) {
      expect(label).toBe(labels.test[index]);
      expect(value >= 0.5).toBe(label === 0);
    }
  });
});
