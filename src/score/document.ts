/** The document of a score: metrics with their intervals, slides, a comparison, and findings. */
import { intervalOf } from './bootstrap.js';
import { compareModels } from './compare.js';
import { findingsOf, type OtherLabels } from './findings.js';
import { type Measured, type ModelMeasures, nest, type Places, pick } from './measure.js';
import { aucOf, confusionAt } from './metrics.js';
import type { Model } from './model.js';
import type { Truth } from './truth.js';
import type { Metric, ScoreResult, SlideScore } from './types.js';

export interface DocumentRequest {
  readonly model: Model;
  readonly other: Model | null;
  readonly truth: Truth;
  /** Places of the first of identical patches. */
  readonly unique: Places;
  /** Of the model, and of the other one. */
  readonly measures: readonly ModelMeasures[];
  otherLabels(): Promise<readonly OtherLabels[]>;
}

export async function documentOf({
  model,
  other,
  truth,
  unique,
  measures,
  otherLabels,
}: DocumentRequest): Promise<ScoreResult> {
  const { split, labels, slides } = truth;
  const [own, theirs] = measures;
  const { all } = own!;
  return {
    ok: true,
    split,
    patches: labels.length,
    slides: slides?.count ?? null,
    as: model.kind,
    ...metricsOf(all, model, labels),
    unique: unique && { patches: unique.length, ...metricsOf(own!.unique!, model, labels, unique) },
    perSlide: perSlide(model, truth),
    ...(other && { compare: compareModels({ model, other, truth, measures: [own!, theirs!] }) }),
    findings: await findingsOf({
      ...{ model, truth, otherLabels },
      auc: all.values.get('auc') ?? aucOf(model.scores, labels),
      withoutInterval: all.bySlides ? withoutInterval(all) : [],
    }),
  };
}

function metricsOf(measured: Measured, model: Model, labels: Uint8Array, places: Places = null) {
  const { values, bySlides, byPatches } = measured;
  const of = (name: string): Metric => ({
    value: defined(values.get(name)!),
    interval: bySlides && intervalOf(bySlides.get(name)!),
    patchInterval: byPatches && intervalOf(byPatches.get(name)!),
  });
  return nest({
    has: (name) => values.has(name),
    of,
    thresholds: model.thresholds,
    more: ({ threshold }) => ({
      confusion: confusionAt(pick(model.values, places), pick(labels, places), threshold),
    }),
  });
}

function defined(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}

function withoutInterval({ values, bySlides }: Measured): string[] {
  return [...values].flatMap(([name, value]) =>
    Number.isNaN(value) || intervalOf(bySlides!.get(name)!) ? [] : [name],
  );
}

/** Each slide at the last threshold, the smallest share of right answers first. */
function perSlide(
  { scores, values, thresholds, kind }: Model,
  { labels, slides }: Truth,
): SlideScore[] | null {
  if (!slides) return null;
  const threshold = thresholds.at(-1)?.threshold;
  const members: number[][] = slides.names.map(() => []);
  for (const [patch, slide] of slides.of.entries()) members[slide]!.push(patch);
  const rows = members.map((patches, slide): SlideScore => {
    const own = Uint8Array.from(patches, (patch) => labels[patch]!);
    const right = (patch: number) => Number(values[patch]! >= threshold! === (labels[patch] === 1));
    return {
      wsi: slides.names[slide]!,
      patches: patches.length,
      positive: own.reduce((sum, label) => sum + label, 0),
      correct: threshold === undefined ? null : patches.reduce((sum, patch) => sum + right(patch), 0),
      auc:
        kind === 'decision'
          ? null
          : defined(
              aucOf(
                Float64Array.from(patches, (patch) => scores[patch]!),
                own,
              ),
            ),
    };
  });
  const quality = ({ patches, correct, auc }: SlideScore) =>
    correct === null ? (auc ?? 2) : correct / patches;
  const mistakes = ({ patches, correct }: SlideScore) => patches - (correct ?? 0);
  // Sorted by name before, so equal ones stay in that order.
  return rows.sort((a, b) => quality(a) - quality(b) || mistakes(b) - mistakes(a));
}
