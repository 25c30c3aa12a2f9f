/** `score` beside scikit-learn, SciPy, and a bootstrap of its own in NumPy over the same draws. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '#pcam/core/random.js';
import { readLabels } from '#pcam/dataset/labels.js';
import { readMeta } from '#pcam/dataset/meta.js';
import { slideCounts } from '#pcam/score/bootstrap.js';
import { score } from '#pcam/score/score.js';
import type { Metrics, ScoreResult } from '#pcam/score/types.js';
import { makeDataset, type TestDataset } from '../support/dataset.js';
import { sharedFolder } from '../support/temp.js';
import { requireTool, runTool } from '../support/tools.js';

const python = await requireTool('sklearn');
const RESAMPLES = 16;
const SEED = 3;

let root: { folder: string; remove: () => Promise<void> };
let data: TestDataset;
let labels: Uint8Array;
let slides: number[];
beforeAll(async () => {
  root = await sharedFolder();
  data = await makeDataset({ train: 12, valid: 300, test: 300, root: root.folder });
  labels = await readLabels({ file: data.path('test', 'labels'), path: 'y' });
  const meta = await readMeta({ file: data.path('test', 'meta') });
  const names = [...meta.slides].sort();
  slides = Array.from(labels, (_, patch) => names.indexOf(meta.row(patch).wsi));
});
afterAll(() => root.remove());

/** A model with an error of its own for each slide. */
function predict(seed: number, spread: number): number[] {
  const random = new Random(seed);
  const bySlide = Array.from({ length: 100 }, () => random.between(-0.3, 0.3));
  return Array.from(labels, (label, patch) => {
    const score = 0.5 + (label - 0.5) * 0.4 + bySlide[slides[patch]!]! + random.between(-spread, spread);
    return Math.min(1, Math.max(0, score));
  });
}

async function save(name: string, column: string, scores: readonly number[]): Promise<string> {
  const file = join(root.folder, name);
  await writeFile(file, `${column}\n${scores.join('\n')}\n`);
  return file;
}

/** The numbers of a document by name: `auc`, `given.f1`. */
function flat<M>({ ranking, probability, decisions }: Metrics<M, object>): Record<string, M> {
  const named = decisions.flatMap(({ threshold: _, from, ...metrics }) =>
    Object.entries(metrics)
      .filter(([name]) => name !== 'confusion')
      .map(([name, metric]) => [`${from}.${name}`, metric] as const),
  );
  return { ...ranking, ...probability, ...Object.fromEntries(named) } as Record<string, M>;
}

const CASES = [
  ['probability', 'prob', (p: number) => p],
  ['probability', 'p', (p: number) => Math.round(p * 10) / 10],
  ['logit', 'logit', (p: number) => 6 * (p - 0.4)],
  ['decision', 'pred', (p: number) => Number(p > 0.45)],
] as const;

describe.skipIf(!python)('scikit-learn and NumPy', () => {
  it('find the same metrics, intervals and test', async () => {
    const other = predict(2, 0.5);
    const compare = await save('other.csv', 'prob', other);
    const results: ScoreResult[] = [];
    const requests: object[] = [];
    for (const [kind, column, form] of CASES) {
      const scores = predict(1, 0.4).map(form);
      const file = await save(`${column}.csv`, column, scores);
      const result = await score({
        ...{ dir: data.dir, manifest: data.manifest, file, as: kind, threshold: 0.4 },
        ...{ bootstrap: RESAMPLES, seed: SEED, compare: kind === 'probability' ? compare : undefined },
      });
      const draws = Array.from({ length: RESAMPLES }, (_, resample) => {
        const counts = slideCounts({ count: result.slides!, seed: SEED, resample });
        return slides.map((slide) => counts[slide]);
      });
      results.push(result);
      requests.push({ labels: [...labels], scores, other, kind, thresholds: { given: 0.4 }, draws });
    }
    const file = join(root.folder, 'requests.json');
    await writeFile(file, JSON.stringify(requests));
    const found = JSON.parse(await runTool(python!, [join(import.meta.dirname, 'check_score.py'), file]));
    for (const [i, result] of results.entries()) expectSame(result, found[i]);
  });
});

interface Found {
  readonly metrics: Record<string, number>;
  readonly intervals: Record<string, [number, number]>;
  readonly delong: { readonly z: number; readonly p: number };
}

function expectSame(result: ScoreResult, { metrics, intervals, delong }: Found): void {
  const own = flat(result);
  expect(Object.keys(own).sort()).toEqual(Object.keys(metrics).sort());
  for (const [name, { value, interval }] of Object.entries(own)) {
    expect(value, name).toBeCloseTo(metrics[name]!, 13);
    for (const end of [0, 1] as const) expect(interval![end], name).toBeCloseTo(intervals[name]![end], 12);
  }
  if (!result.compare) return;
  const test = { z: expect.closeTo(delong.z, 9), p: expect.closeTo(delong.p, 11) };
  expect(result.compare.delong).toMatchObject(test);
}
