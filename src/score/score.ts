/** `score`: what a model's predictions are worth, with the intervals that slides allow. */
import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DEFAULTS, defaultWorkers, LIMITS, PcamError, requireWithin } from '../core/index.js';
import { arrayOf, locate, openImages, readLabels } from '../dataset/index.js';
import { pictureOf } from '../explore/report/pictures.js';
import { writeOutput } from '../fs/index.js';
import { isSynthetic, type Manifest, resolveManifest, SPLITS, type SplitName } from '../manifest/index.js';
import { requireOutputFile } from '../verified/index.js';
import { intervalOf } from './bootstrap.js';
import { compareModels } from './compare.js';
import { type WrongPatch, writeErrors, wrongPatches } from './errors.js';
import { findingsOf, type OtherLabels } from './findings.js';
import { readScores } from './input/read.js';
import { namedSplits, type ScoreRows } from './input/rows.js';
import { type Measured, measure, nest, type Places, pick } from './measure.js';
import { aucOf, confusionAt } from './metrics.js';
import { type Model, modelOf } from './model.js';
import { type PageModel, renderScore } from './page.js';
import { Digests, readTruth, type Truth } from './truth.js';
import type { Metric, ScoreOptions, ScoreResult, SlideScore } from './types.js';

/** The document, and what it was made from. */
export interface CollectedScore {
  readonly result: ScoreResult;
  readonly model: Model;
  readonly other: Model | null;
  readonly truth: Truth;
  /** At the last threshold, most confident first; `null` where there is no threshold. */
  readonly wrong: readonly WrongPatch[] | null;
}

/**
 * Scores a model on one split. Some 100 bytes per patch are held. The same call gives the same document.
 * @throws PcamError USAGE; MISSING, NOT_VERIFIED, BAD_HDF5, BAD_CSV, BAD_DATA when files of the data set or of the
 *   scores are missing or wrong; NOT_A_FOLDER, DISK_FULL, NO_PERMISSION, IO; ABORTED
 */
export async function score(options: ScoreOptions): Promise<ScoreResult> {
  return (await collectScore(options)).result;
}

/** The same, with the scores of every patch. */
export async function collectScore(options: ScoreOptions): Promise<CollectedScore> {
  checkOptions(options);
  const { dir = DEFAULTS.dir, bootstrap = DEFAULTS.bootstrap, seed = 0, signal, onEvent } = options;
  const manifest = await resolveManifest(options.manifest, dir);
  const request = { dir, manifest, signal, onEvent };
  const errorsFile = await outputOf(options.errors, { dir, manifest, options });
  const pageFile = await outputOf(options.out, { dir, manifest, options });
  const files = await readFiles(options);
  const split = chooseSplit(files.rows, options);
  const splits: SplitName[] = files.validRows.length > 0 ? [split, 'valid'] : [split];
  const { truths, requireUnchanged } = await readTruth({ ...request, splits });
  const [truth, valid] = [truths[0]!, truths[1]];
  const digests = new Digests(request);
  const toModel = (rows: ScoreRows, validRows: ScoreRows | undefined) =>
    modelOf({
      ...options,
      rows,
      truth,
      digests,
      valid: validRows && valid && { rows: validRows, truth: valid },
    });
  const model = await toModel(files.rows, files.validRows[0]);
  const other = files.compare ? await toModel(files.compare, files.validRows[1]) : null;
  const wrong = wrongPatches(model, truth.labels);
  if (errorsFile !== undefined && !wrong) throw needsThreshold(model);

  const places = await uniquePlaces(digests, truth);
  const samples: Places[] = [null, ...(places ? [places] : [])];
  const measured = await measure(
    [
      ...samples.map((places) => ({ model, places, patches: true })),
      ...(other ? samples.map((places) => ({ model: other, places, patches: false })) : []),
    ],
    truth,
    { resamples: bootstrap, seed, workers: defaultWorkers(), signal, onEvent },
  );
  const [all, unique] = places ? [measured[0]!, measured[1]!] : [measured[0]!, null];
  const findings = await findingsOf({
    model,
    truth,
    otherLabels: () => otherLabels(dir, manifest, split),
    withoutInterval: all.bySlides ? withoutInterval(all) : [],
  });
  const result: ScoreResult = {
    ok: true,
    split,
    patches: truth.labels.length,
    slides: truth.slides?.count ?? null,
    as: model.kind,
    ...metricsOf(all, model, truth.labels),
    unique: unique && {
      patches: unique.ranked.count,
      ...metricsOf(unique, model, truth.labels, places),
    },
    perSlide: perSlide(model, truth),
    ...(other && { compare: compareModels({ model, other, truth, measured, places }) }),
    findings,
  };
  await requireUnchanged();
  if (errorsFile !== undefined)
    await writeErrors({ path: options.errors!, target: errorsFile, split, wrong: wrong! });
  const collected = { result, model, other, truth, wrong };
  if (pageFile !== undefined) {
    const [ranked, otherRanked] = [all.ranked, other ? measured[samples.length]!.ranked : null];
    const first = places && (await digests.of(split))!.first;
    const page = await pageOf({ ...collected, dir, manifest, ranked, otherRanked, first });
    await writeOutput({ path: options.out!, target: pageFile }, Buffer.from(renderScore(page)));
  }
  return collected;
}

/** @throws PcamError USAGE when numbers are not usable, or options do not go together */
function checkOptions({ bootstrap, seed, threshold, compare, compareValid, valid }: ScoreOptions): void {
  if (bootstrap !== undefined) requireWithin('bootstrap', bootstrap, LIMITS.bootstrap);
  if (seed !== undefined) requireWithin('seed', seed, LIMITS.seed);
  if (threshold !== undefined && !Number.isFinite(threshold)) {
    throw new PcamError('USAGE', `a threshold is a number, not ${threshold}`);
  }
  if (compareValid === undefined) return;
  const missing = compare === undefined ? 'compare' : valid === undefined ? 'valid' : undefined;
  if (missing === undefined) return;
  throw new PcamError(
    'USAGE',
    `scores of valid of a second model (${compareValid}) need those that they are beside`,
    {
      hint: 'name them, too',
      options: [missing],
    },
  );
}

/**
 * The file to write to, links followed.
 * @throws PcamError USAGE when it is one that is read, or of the data set
 */
async function outputOf(
  path: string | undefined,
  { dir, manifest, options }: { dir: string; manifest: Manifest; options: ScoreOptions },
): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const target = resolve(await requireOutputFile({ path, dir, manifest }));
  const { file, valid, compare, compareValid } = options;
  const read = [file, valid, compare, compareValid].filter((name) => name !== undefined);
  const paths = await Promise.all(read.map((name) => realpath(name).catch(() => resolve(name))));
  if (!paths.includes(await realpath(target).catch(() => target))) return target;
  throw new PcamError('USAGE', `${path} has scores that are to be read`, {
    hint: 'choose another name; nothing was written',
  });
}

interface Files {
  readonly rows: ScoreRows;
  readonly compare: ScoreRows | null;
  /** Of the model, and of the one that it is compared with. */
  readonly validRows: readonly ScoreRows[];
}

async function readFiles({
  file,
  valid,
  compare,
  compareValid,
  column,
  signal,
}: ScoreOptions): Promise<Files> {
  const read = (path: string) =>
    readScores({
      file: path,
      column: column === undefined ? undefined : { name: column, required: path === file },
      signal,
    });
  const rows = await read(file);
  const validRows: ScoreRows[] = [];
  for (const path of [valid, compareValid]) if (path !== undefined) validRows.push(await read(path));
  return { rows, compare: compare === undefined ? null : await read(compare), validRows };
}

/** The split that the rows name; of several, and where they name none, the one that is asked for. */
export function chooseSplit(
  rows: ScoreRows,
  { split, valid }: Pick<ScoreOptions, 'split' | 'valid'>,
): SplitName {
  const named = namedSplits(rows);
  const chosen = split ?? (named.length === 1 ? named[0]! : 'test');
  if (named.length > 0 && !named.includes(chosen)) {
    throw new PcamError('USAGE', `${rows.file} has scores of ${named.join(' and ')}, not of ${chosen}`, {
      hint: `name the split to score: ${named.join(' or ')}`,
      options: ['split'],
    });
  }
  if (chosen === 'valid' && valid !== undefined) {
    throw new PcamError(
      'USAGE',
      'a threshold that is chosen on valid says nothing of how good it is on valid',
      {
        hint: 'score another split, or leave out the scores of valid',
        options: ['split', 'valid'],
      },
    );
  }
  return chosen;
}

function needsThreshold({ file }: Model): PcamError {
  return new PcamError('USAGE', `${file} has bare scores, of which none is wrong without a threshold`, {
    hint: 'give a threshold, or scores of valid to choose it by',
    options: ['threshold', 'valid'],
  });
}

/** The first of identical patches; `null` where the images are not in the folder. */
async function uniquePlaces(digests: Digests, { split }: Truth): Promise<Uint32Array | null> {
  const own = await digests.of(split);
  return own ? own.first.filter((first, patch) => first === patch) : null;
}

/** Mistakes of each kind that the page shows. */
const MAX_SHOWN = 24;

/** Adds the pictures of the most confident mistakes. */
async function pageOf({
  dir,
  manifest,
  first,
  wrong,
  ...rest
}: CollectedScore &
  Pick<PageModel, 'ranked' | 'otherRanked'> & {
    dir: string;
    manifest: Manifest;
    /** The first of identical patches; `null` without images. */
    first: Uint32Array | null;
  }): Promise<PageModel> {
  const synthetic = isSynthetic(manifest.dataset);
  if (!first || !wrong) return { ...rest, synthetic, mistakes: null };
  const { split, slides } = rest.truth;
  const images = await openImages(arrayOf({ dir, manifest, split, kind: 'images' }));
  const shown = (label: 0 | 1) =>
    wrong
      .filter((patch) => patch.label === label && first[patch.index] === patch.index)
      .slice(0, MAX_SHOWN)
      .map(({ index, value }) => ({
        ...{ split, index, label, value },
        wsi: slides && slides.names[slides.of[index]!]!,
        picture: pictureOf(images.read(index, index + 1)),
      }));
  try {
    return { ...rest, synthetic, mistakes: { called: shown(0), missed: shown(1) } };
  } finally {
    images.close();
  }
}

/** Of splits whose labels are in the folder. They only serve a suspicion, so what is wrong with them is not said here. */
async function otherLabels(dir: string, manifest: Manifest, split: SplitName): Promise<OtherLabels[]> {
  const others: OtherLabels[] = [];
  for (const name of SPLITS.filter((other) => other !== split)) {
    if (!locate({ dir, manifest, split: name, kind: 'labels' })?.present) continue;
    const { file, path } = arrayOf({ dir, manifest, split: name, kind: 'labels' });
    const labels = await readLabels({ file, path }).catch(() => null);
    if (labels) others.push({ split: name, labels });
  }
  return others;
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
