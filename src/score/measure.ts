/** The metrics of a model on some patches, and their values on resamples of slides and of patches. */
import { Pool, runTogether } from '../threads/index.js';
import { type BootstrapInput, bootstrapJob } from './bootstrap.js';
import { evaluate, type Ranked, rank } from './metrics.js';
import type { Model } from './model.js';
import type { Truth } from './truth.js';
import type { DecisionMetrics, Metrics, Threshold } from './types.js';

/** The patches that are counted: all, or those at some places. */
export type Places = Uint32Array | null;

export interface Measured {
  readonly ranked: Ranked;
  /** By name; NaN where a metric is undefined. */
  readonly values: ReadonlyMap<string, number>;
  /** By name, then by resample; `null` where nothing was resampled. */
  readonly bySlides: ReadonlyMap<string, Float64Array> | null;
  readonly byPatches: ReadonlyMap<string, Float64Array> | null;
}

export interface MeasureRequest {
  readonly model: Model;
  readonly places: Places;
  /** Whether patches are resampled, too. */
  readonly patches: boolean;
}

export interface Resampling {
  readonly resamples: number;
  readonly seed: number;
  /** Most threads. */
  readonly workers: number;
  readonly signal?: AbortSignal;
}

/** Steps of the bootstrap, a patch each, that take as long as starting a thread. */
const WORTH_A_THREAD = 2e7;

/** Measures each request on the same resamples of slides. */
export async function measure(
  requests: readonly MeasureRequest[],
  truth: Truth,
  { resamples, seed, workers, signal = new AbortController().signal }: Resampling,
): Promise<Measured[]> {
  const prepared = requests.map((request) => ({ ...request, ...prepare(request, truth) }));
  const steps = prepared.reduce((sum, { ranked }) => sum + ranked.count * resamples, 0);
  const pool = new Pool(steps < WORTH_A_THREAD ? 0 : workers);
  const named = ({ ranked }: { ranked: Ranked }, samples: readonly Float64Array[]) =>
    new Map(ranked.metrics.map((name, i) => [name, samples[i]!]));
  const jobs = prepared.flatMap(({ ranked, slides, patches }): (BootstrapInput | null)[] => [
    slides && slides.count > 1 && resamples > 0 ? { ranked, slides, resamples, seed } : null,
    patches && resamples > 0 ? { ranked, slides: null, resamples, seed } : null,
  ]);
  const samples = await runTogether(signal, (stop) =>
    jobs.map(async (job) => job && pool.run(bootstrapJob, job, { signal: stop })),
  );
  return prepared.map((one, i) => {
    const [bySlides, byPatches] = [samples[2 * i]!, samples[2 * i + 1]!];
    const values = evaluate(one.ranked, new Float64Array(one.ranked.count).fill(1));
    return {
      ranked: one.ranked,
      values: new Map(one.ranked.metrics.map((name, m) => [name, values[m]!])),
      bySlides: bySlides && named(one, bySlides),
      byPatches: byPatches && named(one, byPatches),
    };
  });
}

function prepare(
  { model, places }: MeasureRequest,
  { labels, slides }: Truth,
): Pick<BootstrapInput, 'ranked' | 'slides'> {
  const pick = <T extends Float64Array | Uint8Array | Uint16Array>(all: T): T =>
    (places ? Reflect.construct(all.constructor, [Array.from(places, (place) => all[place]!)]) : all) as T;
  const { kind, thresholds } = model;
  return {
    ranked: rank({
      scores: pick(model.scores),
      values: pick(model.values),
      labels: pick(labels),
      ranking: kind !== 'decision',
      calibrated: kind === 'probability' || kind === 'logit',
      thresholds,
    }),
    slides: slides && { of: pick(slides.of), count: slides.count },
  };
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
