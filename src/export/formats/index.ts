export { croissant } from './croissant.js';
export { describeExport, FORMATS, findFormat } from './registry.js';
export { sideOf } from './sample.js';
export {
  CROPS,
  type Crop,
  type ExportFormat,
  type FormatName,
  LAYOUTS,
  type LayoutName,
  type PatchBatch,
  type Recipe,
  SHARD_INDEXES,
  type ShardIndex,
  type ShardOutput,
  type ShardRecord,
  type ShardSource,
  type ShardTask,
  type SplitSummary,
} from './types.js';
