/** `score`: what a model's predictions are worth, with the intervals that slides allow. */
import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DEFAULTS, defaultWorkers, LIMITS, PcamError, requireWithin } from '../core/index.js';
import { arrayOf, locate, readLabels } from '../dataset/index.js';
import { writeOutput } from '../fs/index.js';
import { isSynthetic, type Manifest, resolveManifest, SPLITS, type SplitName } from '../manifest/index.js';
import { requireOutputFile } from '../verified/index.js';
import { documentOf } from './document.js';
import type { OtherLabels } from './findings.js';
import { readScores } from './input/read.js';
import { namedSplits, type ScoreRows } from './input/rows.js';
import { measure } from './measure.js';
import { showMistakes, type WrongPatch, writeErrors, wrongPatches } from './mistakes.js';
import { type Model, modelOf } from './model.js';
import { renderScore } from './page.js';
import { openTruth, type Truth, type TruthFolder } from './truth.js';
import type { ScoreOptions, ScoreResult } from './types.js';

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
  const outputs = await resolveOutputs(options, { dir, manifest });
  const files = await readFiles(options);
  const split = chooseSplit(files.rows, options);
  const splits: SplitName[] = files.valid ? [split, 'valid'] : [split];
  const folder = await openTruth({ dir, manifest, splits, signal, onEvent });
  const truth = await folder.truth(split);
  const { model, other } = await readModels({ options, files, truth, folder });
  const wrong = wrongPatches(model, truth.labels);
  if (outputs.errors && !wrong) throw needsThreshold(model);

  const first = (await folder.digests(split))?.first ?? null;
  const unique = first?.filter((original, patch) => original === patch) ?? null;
  const measures = await measure(
    { models: other ? [model, other] : [model], truth, unique },
    { resamples: bootstrap, seed, workers: defaultWorkers(), signal, onEvent },
  );
  const readOthers = () => otherLabels(dir, manifest, split);
  const result = await documentOf({ model, other, truth, unique, measures, otherLabels: readOthers });

  const collected = { result, model, other, truth, wrong };
  const mistakes =
    outputs.page && wrong && first ? await showMistakes({ dir, manifest, truth, wrong, first }) : null;
  await folder.requireUnchanged();
  if (outputs.errors) await writeErrors({ ...outputs.errors, split, wrong: wrong! });
  if (outputs.page) {
    const [ranked, otherRanked] = [measures[0]!.all.ranked, measures[1]?.all.ranked ?? null];
    const synthetic = isSynthetic(manifest.dataset);
    const page = renderScore({ ...collected, ranked, otherRanked, synthetic, mistakes });
    await writeOutput(outputs.page, Buffer.from(page));
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

interface Outputs {
  readonly errors: { path: string; target: string } | null;
  readonly page: { path: string; target: string } | null;
}

/**
 * The files to write, links followed.
 * @throws PcamError USAGE when one of them is to be read, or is of the data set
 */
async function resolveOutputs(
  { file, valid, compare, compareValid, errors, out }: ScoreOptions,
  folder: { dir: string; manifest: Manifest },
): Promise<Outputs> {
  const real = (path: string) => realpath(path).catch(() => resolve(path));
  const read = [file, valid, compare, compareValid].filter((path) => path !== undefined);
  const paths = await Promise.all(read.map(real));
  const output = async (path: string | undefined) => {
    if (path === undefined) return null;
    const target = await requireOutputFile({ path, ...folder });
    if (!paths.includes(await real(target))) return { path, target };
    throw new PcamError('USAGE', `${path} has scores that are to be read`, {
      hint: 'choose another name; nothing was written',
    });
  };
  return { errors: await output(errors), page: await output(out) };
}

interface Files {
  readonly rows: ScoreRows;
  readonly valid: ScoreRows | null;
  readonly compare: ScoreRows | null;
  readonly compareValid: ScoreRows | null;
}

async function readFiles({
  file,
  valid,
  compare,
  compareValid,
  column,
  signal,
}: ScoreOptions): Promise<Files> {
  const read = (path: string, required = false) =>
    readScores({ file: path, column: column === undefined ? undefined : { name: column, required }, signal });
  const readIf = async (path: string | undefined) => (path === undefined ? null : read(path));
  return {
    rows: await read(file, true),
    valid: await readIf(valid),
    compare: await readIf(compare),
    compareValid: await readIf(compareValid),
  };
}

async function readModels({
  options,
  files: { rows, valid, compare, compareValid },
  truth,
  folder,
}: {
  options: ScoreOptions;
  files: Files;
  truth: Truth;
  folder: TruthFolder;
}): Promise<{ model: Model; other: Model | null }> {
  const { as, threshold } = options;
  const validTruth = valid && (await folder.truth('valid'));
  const read = (own: ScoreRows, onValid: ScoreRows | null) =>
    modelOf({
      ...{ rows: own, truth, digests: folder.digests, as, threshold },
      valid: onValid && { rows: onValid, truth: validTruth! },
    });
  return { model: await read(rows, valid), other: compare && (await read(compare, compareValid)) };
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
