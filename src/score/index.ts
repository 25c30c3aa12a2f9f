export type { ScoreKind } from './kind.js';
export { type ReliabilityBin, reliability } from './reliability.js';
export { type CollectedScore, collectScore, score } from './score.js';
export type {
  Comparison,
  DecisionMetrics,
  Difference,
  Metric,
  Metrics,
  ScoreFinding,
  ScoreOptions,
  ScoreResult,
  SlideScore,
  Threshold,
} from './types.js';
