/** The metrics of a model on some patches, and their values on resamples of slides and of patches. */
import { type OnEvent, TaskReporter } from '../core/index.js';
import type { SplitName } from '../manifest/index.js';
import { Pool, runTogether } from '../threads/index.js';
import { type BootstrapInput, bootstrapJob } from './bootstrap.js';
import { evaluate, type Ranked, rank } from './metrics.js';
import type { Model } from './model.js';
import type { Truth } from './truth.js';
import type { DecisionMetrics, Metrics, Threshold } from './types.js';

/** Places of the patches that are counted; `null` for all. */
export type Places = Uint32Array | null;

export interface Measured {
  readonly ranked: Ranked;
  /** By name; NaN where a metric is undefined. */
  readonly values: ReadonlyMap<string, number>;
  /** By name, then by resample; `null` where nothing was resampled. */
  readonly bySlides: ReadonlyMap<string, Float64Array> | null;
  readonly byPatches: ReadonlyMap<string, Float64Array> | null;
}

/** One model on all patches, and on the first of identical ones where these are known. */
export interface ModelMeasures {
  readonly all: Measured;
  readonly unique: Measured | null;
}

export interface Resampling {
  readonly resamples: number;
  readonly seed: number;
  /** Most threads. */
  readonly workers: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: OnEvent;
}

/** Steps of the bootstrap, a patch each, that take as long as starting a thread. */
const WORTH_A_THREAD = 2e7;

/**
 * Measures models on the same resamples of slides, the first of them on resamples of patches, too.
 * @param unique places of the first of identical patches
 */
export async function measure(
  { models, truth, unique }: { models: readonly Model[]; truth: Truth; unique: Places },
  resampling: Resampling,
): Promise<ModelMeasures[]> {
  const { resamples, seed } = resampling;
  const samples = unique ? [null, unique] : [null];
  const runs = models.flatMap((model) =>
    samples.map((places) => ({
      ranked: rankModel(model, truth, places),
      places,
      first: model === models[0],
    })),
  );
  const jobs = runs.flatMap(({ ranked, places, first }): (BootstrapInput | null)[] => {
    const slides = slidesAt(truth, places);
    return [
      slides && slides.count > 1 && resamples > 0 ? { ranked, slides, resamples, seed } : null,
      first && resamples > 0 ? { ranked, slides: null, resamples, seed } : null,
    ];
  });
  const drawn = await resample(jobs, truth.split, resampling);
  const measured = runs.map(({ ranked }, i) => measuredOf(ranked, drawn[2 * i]!, drawn[2 * i + 1]!));
  return models.map((_, i) => ({
    all: measured[i * samples.length]!,
    unique: unique && measured[i * samples.length + 1]!,
  }));
}

function measuredOf(
  ranked: Ranked,
  bySlides: Float64Array[] | null,
  byPatches: Float64Array[] | null,
): Measured {
  const byName = <T>(values: ArrayLike<T>) => new Map(ranked.metrics.map((name, i) => [name, values[i]!]));
  return {
    ranked,
    values: byName(evaluate(ranked, new Float64Array(ranked.count).fill(1))),
    bySlides: bySlides && byName(bySlides),
    byPatches: byPatches && byName(byPatches),
  };
}

/** Runs the jobs side by side; those that are null have no samples. */
async function resample(
  jobs: readonly (BootstrapInput | null)[],
  split: SplitName,
  { workers, signal = new AbortController().signal, onEvent }: Resampling,
): Promise<(Float64Array[] | null)[]> {
  const sum = (of: (job: BootstrapInput) => number) =>
    jobs.reduce((total, job) => total + (job ? of(job) : 0), 0);
  const total = sum(({ resamples }) => resamples);
  if (total === 0) return jobs.map(() => null);
  const steps = sum(({ ranked, resamples }) => ranked.count * resamples);
  const pool = new Pool(steps < WORTH_A_THREAD ? 0 : workers);
  const state = { task: `score of ${split}`, step: 'resample', unit: 'resamples', done: 0, total } as const;
  const task = new TaskReporter(state, onEvent);
  let done = 0;
  const onProgress = (more: number) => {
    done += more;
    task.progress({ done });
  };
  try {
    const samples = await runTogether(signal, (stop) =>
      jobs.map(async (job) => job && pool.run(bootstrapJob, job, { signal: stop, onProgress })),
    );
    task.end();
    return samples;
  } catch (error) {
    task.end({ outcome: 'failed' });
    throw error;
  }
}

/** The values at some places. */
export function pick<T extends Float64Array | Uint8Array | Uint16Array>(all: T, places: Places): T {
  if (!places) return all;
  const some = all.slice(0, places.length) as T;
  for (const [i, place] of places.entries()) some[i] = all[place]!;
  return some;
}

function rankModel({ scores, values, kind, thresholds }: Model, { labels }: Truth, places: Places): Ranked {
  return rank({
    scores: pick(scores, places),
    values: pick(values, places),
    labels: pick(labels, places),
    ranking: kind !== 'decision',
    calibrated: kind === 'probability' || kind === 'logit',
    thresholds,
  });
}

function slidesAt({ slides }: Truth, places: Places): BootstrapInput['slides'] {
  return slides && { of: pick(slides.of, places), count: slides.count };
}

/**
 * Puts values by name into the nesting of the document.
 * @param thresholds those of the decisions that the values have
 */
export function nest<M, D>({
  has,
  of,
  thresholds,
  more,
}: {
  has(name: string): boolean;
  of(name: string): M;
  thresholds: readonly Threshold[];
  /** What a decision has besides its metrics. */
  more(threshold: Threshold): D;
}): Metrics<M, D> {
  return {
    ranking: has('auc') ? { auc: of('auc'), averagePrecision: of('averagePrecision') } : null,
    probability: has('nll') ? { nll: of('nll'), brier: of('brier'), ece: of('ece') } : null,
    decisions: thresholds.map((threshold) => ({
      ...threshold,
      ...decision((name) => of(`${threshold.from}.${name}`)),
      ...more(threshold),
    })),
  };
}

function decision<M>(of: (name: keyof DecisionMetrics<M>) => M): DecisionMetrics<M> {
  return {
    accuracy: of('accuracy'),
    balancedAccuracy: of('balancedAccuracy'),
    sensitivity: of('sensitivity'),
    specificity: of('specificity'),
    precision: of('precision'),
    f1: of('f1'),
  };
}
