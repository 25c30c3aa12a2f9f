export {
  KAGGLE_PATCHES,
  QUESTIONABLE_SLIDES,
  REAL_DATASET,
  TRAIN_CHANNELS,
} from './published.js';
export type { SplitDetails } from './split-facts.js';
export { type CollectedStats, collectStats, stats } from './stats.js';
export type {
  Channels,
  Duplicates,
  Shared,
  SlideCount,
  SplitStats,
  StatsFinding,
  StatsOptions,
  StatsResult,
  Totals,
} from './types.js';
