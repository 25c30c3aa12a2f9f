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
