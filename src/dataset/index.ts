export { type OpenDatasetOptions, openDataset } from './dataset.js';
export { type ImageReader, openImages } from './images.js';
export { readLabels } from './labels.js';
export { readMeta } from './meta.js';
export { arrayOf, locate, type OpenSplitOptions, openSplit } from './split.js';
export {
  type Batch,
  type BatchOptions,
  CHANNELS,
  type Dataset,
  type MetaRow,
  type MetaTable,
  PATCH_BYTES,
  PATCH_SIZE,
  type Split,
} from './types.js';
