export { KAGGLE_PATCHES, QUESTIONABLE_SLIDES, TRAIN_CHANNELS } from './findings.js';
export { firstAcross } from './shared.js';
export { measureSplit, type SplitDetails } from './split-stats.js';
export { type CollectedStats, collectStats, measure, type StatsOptions, stats } from './stats.js';
export type {
  Channels,
  Shared,
  SplitStats,
  StatsFinding,
  StatsResult,
  Totals,
} from './types.js';
