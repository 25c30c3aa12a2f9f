/** What stands out in the figures, in plain words, and the published figures of PatchCamelyon to compare them with. */
import { count, formatInteger, printable } from '../../core/index.js';
import { isUnbalanced } from '../../dataset/index.js';
import type { Provenance, SplitName } from '../../manifest/index.js';
import { commonSlides } from './shared.js';
import type { SplitDetails } from './split-stats.js';
import type { Shared, StatsFinding } from './types.js';

/** In standard deviations. A larger difference from the expected number is no coincidence. */
const MAX_DEVIATION = 6;
/** Channel mean and standard deviation of train, 0 to 255, as they are commonly used. */
export const TRAIN_CHANNELS = { mean: [178.69, 137.28, 176.36], std: [59.92, 70.74, 54.29] } as const;

/** Patches of Kaggle's version, which is described as PCam without its duplicates: train, and valid and test together. */
export const KAGGLE_PATCHES: readonly { splits: readonly SplitName[]; name: string; patches: number }[] = [
  { splits: ['train'], name: 'training set', patches: 220_025 },
  { splits: ['valid', 'test'], name: 'test set', patches: 57_458 },
];

const NOT_EXHAUSTIVE = '010 015 018 020 029 033 044 046 051 054 055 079 092 095';

/** Slides of Camelyon16 whose annotations are known not to be exhaustive, or were flagged otherwise. */
export const QUESTIONABLE_SLIDES: ReadonlySet<string> = new Set([
  ...NOT_EXHAUSTIVE.split(' ').map((number) => `camelyon16_train_tumor_${number}`),
  'camelyon16_train_normal_086',
  'camelyon16_test_049',
  'camelyon16_test_114',
]);

/** A slide with this many times the patches of the median slide is a large one. */
const LARGE_SLIDE = 5;
const MAX_EXAMPLES = 5;

interface Figures {
  provenance: Provenance;
  splits: readonly SplitDetails[];
  shared: readonly Shared[];
}

type AddFinding = (level: StatsFinding['level'], code: string, message: string) => void;

export function findingsOf({ provenance, splits, shared }: Figures): StatsFinding[] {
  const findings: StatsFinding[] = [];
  const about =
    (subject: string): AddFinding =>
    (level, code, message) =>
      findings.push({ level, code, message: `${subject}${message}` });
  for (const split of splits) {
    const add = about(`${split.split}: `);
    checkFiles(split, add);
    checkLabels(split, add);
    checkDuplicates(split, add);
    checkMeta(split, add);
    checkSlideSizes(split, add);
    if (provenance !== 'synthetic') checkQuestionable(split, add);
  }
  for (const pair of shared) checkLeaks(pair, splits, about(`${pair.splits.join(' and ')} share `));
  if (provenance === 'pcam') comparePublished(splits, shared, about(''));
  return findings;
}

function percent(part: number, whole: number): string {
  return `${((100 * part) / Math.max(1, whole)).toFixed(2)} %`;
}

/** `3, 17, 20, …` */
function some(values: readonly (number | string)[]): string {
  return values.slice(0, MAX_EXAMPLES).join(', ') + (values.length > MAX_EXAMPLES ? ', …' : '');
}

/** The indices for which a predicate holds. */
function where(patches: number, holds: (patch: number) => boolean): number[] {
  const found: number[] = [];
  for (let patch = 0; patch < patches; patch++) if (holds(patch)) found.push(patch);
  return found;
}

function checkFiles({ foreign, labels, meta }: SplitDetails, add: AddFinding): void {
  for (const file of foreign) {
    const message = `${file} is not the file that the manifest describes; its figures are of other data`;
    add('warning', 'NOT_VERIFIED', message);
  }
  if (!labels) add('info', 'MISSING', 'no labels in the directory, so nothing is known of classes');
  if (!meta) add('info', 'MISSING', 'no meta CSV in the directory, so nothing is known of slides');
}

function checkLabels({ labels, stats: { positive, patches } }: SplitDetails, add: AddFinding): void {
  if (!labels || positive === null) return;
  const balance = `${count(positive, 'patch')} of ${formatInteger(patches)} are positive (${percent(positive, patches)})`;
  if (isUnbalanced(positive, patches)) {
    add('warning', 'BALANCE', `${balance}; PCam is within one percentage point of 50 % in every split`);
  } else add('info', 'BALANCE', balance);
  const changes = where(patches, (patch) => patch > 0 && labels[patch] !== labels[patch - 1]).length;
  // The expected number of changes for labels in random order.
  const expected = (2 * positive * (patches - positive)) / Math.max(1, patches);
  if (expected - changes <= MAX_DEVIATION * Math.sqrt(expected)) return;
  const runs = `the label changes ${formatInteger(changes)} times along the file, ${formatInteger(Math.round(expected))} times in random order`;
  add('info', 'LABEL_ORDER', `labels come in runs (${runs}): shuffle before reading in sequence`);
}

function checkDuplicates({ stats, scan }: SplitDetails, add: AddFinding): void {
  const { patches, duplicates, uniform } = stats;
  const { extra, groups, largest, positive, negative, conflicting } = duplicates;
  const contents = count(groups, 'content');
  if (extra > 0) {
    const labels = `, ${formatInteger(positive ?? 0)} positive and ${formatInteger(negative ?? 0)} negative`;
    const repeated =
      groups === 1
        ? `one content occurs ${largest} times`
        : `${contents} occur more than once, one of them ${largest} times`;
    const repeats = `${count(extra, 'patch')} (${percent(extra, patches)}) repeat an earlier one pixel by pixel`;
    add('warning', 'DUPLICATES', `${repeats}${positive === null ? '' : labels}; ${repeated}`);
  }
  if (conflicting) {
    const message = `${count(conflicting, 'content')} that occur more than once carry both labels`;
    add('warning', 'CONFLICTING_LABELS', message);
  }
  const one = where(patches, (patch) => scan.uniform[patch] !== 0);
  if (one.length === 0) return;
  const kinds = `${uniform.white} white, ${uniform.black} black, ${uniform.other} of another color`;
  add('warning', 'UNIFORM', `${count(one.length, 'patch')} of one color (${kinds}), at ${some(one)}`);
}

function checkMeta({ labels, meta }: SplitDetails, add: AddFinding): void {
  if (!labels || !meta) return;
  const centre = where(meta.rows, (patch) => (labels[patch] === 1) !== meta.row(patch).center_tumor_patch);
  if (centre.length > 0) {
    const labelled = `${count(centre.length, 'label')} of ${meta.rows}`;
    add('warning', 'CENTER_TUMOR', `${labelled} disagree with center_tumor_patch, at ${some(centre)}`);
  }
  const tumor = where(meta.rows, (patch) => labels[patch] === 1 && !meta.row(patch).tumor_patch);
  if (tumor.length > 0) {
    const patches = count(tumor.length, 'patch');
    add('warning', 'TUMOR_PATCH', `${patches} with label 1 have tumor_patch False, at ${some(tumor)}`);
  }
}

function checkSlideSizes({ stats: { perSlide, patches } }: SplitDetails, add: AddFinding): void {
  const sizes = [...(perSlide ?? [])].sort((a, b) => a.patches - b.patches);
  const [largest, median] = [sizes.at(-1), sizes[sizes.length >> 1]];
  if (!largest || !median || largest.patches <= LARGE_SLIDE * median.patches) return;
  const name = printable(largest.wsi, 100);
  const share = percent(largest.patches, patches);
  const message = `${name} has ${count(largest.patches, 'patch')} (${share}), the median slide ${median.patches}`;
  add('info', 'LARGE_SLIDE', message);
}

function checkQuestionable({ stats }: SplitDetails, add: AddFinding): void {
  const slides = (stats.perSlide ?? []).filter(({ wsi }) => QUESTIONABLE_SLIDES.has(wsi));
  if (slides.length === 0) return;
  const patches = slides.reduce((sum, slide) => sum + slide.patches, 0);
  const names = slides.map(({ wsi }) => wsi.replace('camelyon16_', '')).join(', ');
  const message = `${count(patches, 'patch')} are from ${count(slides.length, 'slide')} whose annotations are known to be questionable: ${names}`;
  add('info', 'QUESTIONABLE_SLIDES', message);
}

function checkLeaks(
  { splits: pair, patches }: Shared,
  splits: readonly SplitDetails[],
  add: AddFinding,
): void {
  const [one, other] = pair.map((name) => splits.find(({ split }) => split === name)!);
  const slides = commonSlides(one!, other!) ?? [];
  if (slides.length > 0) {
    const names = printable(some(slides), 500);
    add('warning', 'SLIDE_OVERLAP', `${count(slides.length, 'slide')}: ${names}`);
  }
  if (patches > 0) add('warning', 'PATCH_OVERLAP', `${count(patches, 'patch')}, pixel by pixel`);
}

/** Published values beside the measured ones, for splits whose files all match the manifest. */
function comparePublished(splits: readonly SplitDetails[], shared: readonly Shared[], add: AddFinding): void {
  const verified = (name: string) =>
    splits.find(({ split, foreign }) => split === name && foreign.length === 0);
  const train = verified('train');
  if (train) {
    const { mean, std } = train.stats.channels;
    const show = (values: readonly number[]) => values.map((value) => value.toFixed(2)).join(', ');
    const own = `mean ${show(mean)} and standard deviation ${show(std)}`;
    const theirs = `${show(TRAIN_CHANNELS.mean)} and ${show(TRAIN_CHANNELS.std)}`;
    add('info', 'PUBLISHED_CHANNELS', `train: ${own}; published: ${theirs}`);
  }
  for (const { splits: names, name, patches } of KAGGLE_PATCHES) {
    const parts = names.flatMap((split) => verified(split) ?? []);
    if (parts.length < names.length) continue;
    const common = shared.find((pair) => pair.splits.join() === names.join())?.patches ?? 0;
    const unique = parts.reduce((sum, { stats }) => sum + stats.unique, 0) - common;
    const kaggle = `Kaggle's ${name}, described as PCam without duplicates, has ${formatInteger(patches)}`;
    add('info', 'PUBLISHED_UNIQUE', `${names.join(' and ')}: ${count(unique, 'distinct patch')}; ${kaggle}`);
  }
}
