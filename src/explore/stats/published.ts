/** What has been published about the real data set, for comparison with what was measured. */
import type { SplitName } from '../../manifest/index.js';

/** What the manifest of the real data set calls it. */
export const REAL_DATASET = 'pcam';

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
