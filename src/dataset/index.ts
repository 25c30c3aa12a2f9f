export { CHANNELS, PATCH_BYTES, PATCH_SIZE } from '../core/index.js';
export { type OpenDatasetOptions, openDataset } from './dataset.js';
export { type ArrayPlace, readPlace } from './hdf5-chunks.js';
export { type ImageReader, openImages } from './images.js';
export { isUnbalanced, readLabels } from './labels.js';
export { type MetaColumns, metaTable, readMeta } from './meta.js';
export { arrayOf, countPatches, locate, type OpenSplitOptions, openSplit } from './split.js';
export type {
  Batch,
  BatchOptions,
  Dataset,
  MetaRow,
  MetaTable,
  Split,
} from './types.js';
