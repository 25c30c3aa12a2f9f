export { croissant } from './croissant.js';
export { ALIASES, describeExport, FORMATS, findFormat } from './registry.js';
export { sideOf } from './sample.js';
export { tfdsConfig } from './tfrecord.js';
export {
  CROPS,
  type Crop,
  type ExportFormat,
  type FormatName,
  LAYOUTS,
  type LayoutName,
  ORDERS,
  type Order,
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
