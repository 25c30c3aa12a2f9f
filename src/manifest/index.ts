export { bibtex } from './bibtex.js';
export { type CacheKeyOptions, cacheKey } from './cache-key.js';
export { resolveManifest, type Selection, selectFiles } from './choose-files.js';
export { allContents, type Content, contentsOf, contentsOfAll, unpackedOf } from './content.js';
export { isRecord, isSize } from './json.js';
export { BUILT_IN_MANIFEST, parseManifest, readManifest, SOURCE_TYPES } from './parse.js';
export {
  type DatasetFile,
  finalMd5,
  finalName,
  KINDS,
  type Kind,
  type Manifest,
  type SourceConfig,
  SPLITS,
  type SplitName,
} from './types.js';
export { parseWebUrl } from './web-url.js';
