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

export function findingsOf({ provenance, splits, shared }: Figures): StatsFinding[] {
  return [
    ...splits.flatMap((split) => [
      ...files(split),
      ...labels(split),
      ...duplicates(split),
      ...meta(split),
      ...(provenance === 'synthetic' ? [] : questionable(split)),
    ]),
    ...shared.flatMap((pair) => leaks(pair, splits)),
    ...(provenance === 'pcam' ? published(splits, shared) : []),
  ];
}

const warning = (code: string, message: string): StatsFinding => ({ level: 'warning', code, message });
const info = (code: string, message: string): StatsFinding => ({ level: 'info', code, message });

function percent(part: number, whole: number): string {
  return `${((100 * part) / Math.max(1, whole)).toFixed(2)} %`;
}

/** The number of patches for which a predicate holds, and the first few of them. */
function where(patches: number, holds: (patch: number) => boolean): { number: number; some: string } {
  const first: number[] = [];
  let number = 0;
  for (let patch = 0; patch < patches; patch++) {
    if (!holds(patch)) continue;
    if (number++ < MAX_EXAMPLES) first.push(patch);
  }
  return { number, some: first.join(', ') + (number > MAX_EXAMPLES ? ', …' : '') };
}

function files({ split, foreign, labels, meta }: SplitDetails): StatsFinding[] {
  const findings = foreign.map((file) =>
    warning(
      'NOT_VERIFIED',
      `${split}: ${file} is not the file that the manifest describes; its figures are of other data`,
    ),
  );
  if (!labels)
    findings.push(info('MISSING', `${split}: no labels in the directory, so nothing is known of classes`));
  if (!meta)
    findings.push(info('MISSING', `${split}: no meta CSV in the directory, so nothing is known of slides`));
  return findings;
}

function labels({ split, labels, stats }: SplitDetails): StatsFinding[] {
  const { positive, patches } = stats;
  if (!labels || positive === null) return [];
  const balance = `${split}: ${count(positive, 'patch')} of ${formatInteger(patches)} are positive (${percent(positive, patches)})`;
  const findings = [
    isUnbalanced(positive, patches)
      ? warning('BALANCE', `${balance}; PCam is within one percentage point of 50 % in every split`)
      : info('BALANCE', balance),
  ];
  let changes = 0;
  for (let patch = 1; patch < patches; patch++) changes += Number(labels[patch] !== labels[patch - 1]);
  // The expected number of changes for labels in random order.
  const expected = (2 * positive * (patches - positive)) / Math.max(1, patches);
  if (expected - changes > MAX_DEVIATION * Math.sqrt(expected)) {
    const runs = `the label changes ${formatInteger(changes)} times along the file, ${formatInteger(Math.round(expected))} times in random order`;
    findings.push(
      info('LABEL_ORDER', `${split}: labels come in runs (${runs}): shuffle before reading in sequence`),
    );
  }
  return findings;
}

function duplicates({ split, stats, scan }: SplitDetails): StatsFinding[] {
  const { patches, duplicates, uniform } = stats;
  const { extra, groups, largest, positive, negative, conflicting } = duplicates;
  const findings: StatsFinding[] = [];
  if (extra > 0) {
    const classes =
      positive === null
        ? ''
        : `, ${formatInteger(positive)} positive and ${formatInteger(negative!)} negative`;
    const repeated =
      groups === 1
        ? `one content occurs ${largest} times`
        : `${count(groups, 'content')} occur more than once, one of them ${largest} times`;
    const message = `${count(extra, 'patch')} (${percent(extra, patches)}) repeat an earlier one pixel by pixel${classes}; ${repeated}`;
    findings.push(warning('DUPLICATES', `${split}: ${message}`));
  }
  if (conflicting) {
    findings.push(
      warning(
        'CONFLICTING_LABELS',
        `${split}: ${count(conflicting, 'content')} that occur more than once carry both labels`,
      ),
    );
  }
  const one = where(patches, (patch) => scan.uniform[patch] !== 0);
  if (one.number > 0) {
    const kinds = `${uniform.white} white, ${uniform.black} black, ${uniform.other} of another color`;
    findings.push(
      warning('UNIFORM', `${split}: ${count(one.number, 'patch')} of one color (${kinds}), at ${one.some}`),
    );
  }
  return findings;
}

function meta({ split, labels, meta, stats }: SplitDetails): StatsFinding[] {
  if (!meta) return [];
  const findings: StatsFinding[] = [];
  if (labels) {
    const centre = where(meta.rows, (patch) => (labels[patch] === 1) !== meta.row(patch).center_tumor_patch);
    if (centre.number > 0) {
      const message = `${count(centre.number, 'label')} of ${meta.rows} disagree with center_tumor_patch, at ${centre.some}`;
      findings.push(warning('CENTER_TUMOR', `${split}: ${message}`));
    }
    const tumor = where(meta.rows, (patch) => labels[patch] === 1 && !meta.row(patch).tumor_patch);
    if (tumor.number > 0) {
      const message = `${count(tumor.number, 'patch')} with label 1 have tumor_patch False, at ${tumor.some}`;
      findings.push(warning('TUMOR_PATCH', `${split}: ${message}`));
    }
  }
  const sizes = [...(stats.perSlide ?? [])].sort((a, b) => a.patches - b.patches);
  const [largest, median] = [sizes.at(-1), sizes[sizes.length >> 1]];
  if (largest && median && largest.patches > LARGE_SLIDE * median.patches) {
    const message = `${printable(largest.wsi, 100)} has ${count(largest.patches, 'patch')} (${percent(largest.patches, meta.rows)}), the median slide ${median.patches}`;
    findings.push(info('LARGE_SLIDE', `${split}: ${message}`));
  }
  return findings;
}

function questionable({ split, stats }: SplitDetails): StatsFinding[] {
  const slides = (stats.perSlide ?? []).filter(({ wsi }) => QUESTIONABLE_SLIDES.has(wsi));
  if (slides.length === 0) return [];
  const patches = slides.reduce((sum, slide) => sum + slide.patches, 0);
  const names = slides.map(({ wsi }) => wsi.replace('camelyon16_', '')).join(', ');
  const message = `${count(patches, 'patch')} are from ${count(slides.length, 'slide')} whose annotations are known to be questionable: ${names}`;
  return [info('QUESTIONABLE_SLIDES', `${split}: ${message}`)];
}

function leaks(
  { splits: [one, other], slides, patches }: Shared,
  splits: readonly SplitDetails[],
): StatsFinding[] {
  const findings: StatsFinding[] = [];
  if (slides) {
    const [a, b] = [one, other].map((name) => splits.find(({ split }) => split === name)!) as [
      SplitDetails,
      SplitDetails,
    ];
    const names = commonSlides(a, b)!;
    const some =
      printable(names.slice(0, MAX_EXAMPLES).join(', '), 500) + (names.length > MAX_EXAMPLES ? ', …' : '');
    findings.push(warning('SLIDE_OVERLAP', `${one} and ${other} share ${count(slides, 'slide')}: ${some}`));
  }
  if (patches > 0) {
    findings.push(
      warning('PATCH_OVERLAP', `${one} and ${other} share ${count(patches, 'patch')}, pixel by pixel`),
    );
  }
  return findings;
}

/** Published values beside the measured ones, for splits whose files all match the manifest. */
function published(splits: readonly SplitDetails[], shared: readonly Shared[]): StatsFinding[] {
  const findings: StatsFinding[] = [];
  const found = (name: string) => splits.find(({ split, foreign }) => split === name && foreign.length === 0);
  const train = found('train');
  if (train) {
    const { mean, std } = train.stats.channels;
    const show = (values: readonly number[]) => values.map((value) => value.toFixed(2)).join(', ');
    const message = `mean ${show(mean)} and standard deviation ${show(std)}; published: ${show(TRAIN_CHANNELS.mean)} and ${show(TRAIN_CHANNELS.std)}`;
    findings.push(info('PUBLISHED_CHANNELS', `train: ${message}`));
  }
  for (const { splits: names, name, patches } of KAGGLE_PATCHES) {
    const parts = names.map(found);
    if (parts.some((part) => part === undefined)) continue;
    const common = shared.find((pair) => pair.splits.join() === names.join())?.patches ?? 0;
    const unique = parts.reduce((sum, part) => sum + part!.stats.unique, 0) - common;
    const message = `${count(unique, 'distinct patch')}; Kaggle's ${name}, described as PCam without duplicates, has ${formatInteger(patches)}`;
    findings.push(info('PUBLISHED_UNIQUE', `${names.join(' and ')}: ${message}`));
  }
  return findings;
}
