export { bibtex, PCAM_BIBTEX } from './citation.js';
export { FIXTURE_DATASET, isSynthetic, type Origin, originOf } from './origin.js';
export { BUILT_IN_MANIFEST, parseManifest, parseWebUrl, readManifest, SOURCE_TYPES } from './parse.js';
export { type CacheKeyOptions, cacheKey, resolveManifest, type Selection, selectFiles } from './select.js';
export {
  allContents,
  type Content,
  contentsOf,
  contentsOfAll,
  type DatasetFile,
  finalMd5,
  finalName,
  isRecord,
  isSize,
  KINDS,
  type Kind,
  type Manifest,
  type SourceConfig,
  SPLITS,
  type SplitName,
  unpackedOf,
} from './types.js';
