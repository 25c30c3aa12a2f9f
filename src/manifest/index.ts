export { bibtex, PCAM_BIBTEX } from './citation.js';
export { BUILT_IN_MANIFEST, parseManifest, parseWebUrl, readManifest, SOURCE_TYPES } from './parse.js';
export { FIXTURE_DATASET, isSynthetic, type Provenance, provenanceOf } from './provenance.js';
export { keptManifest, manifestText, resolveManifest } from './resolve.js';
export { type CacheKeyOptions, cacheKey, type Selection, selectFiles } from './select.js';
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
  type ManifestOrigin,
  parseSplit,
  type SourceConfig,
  SPLITS,
  type SplitName,
  unpackedOf,
} from './types.js';
