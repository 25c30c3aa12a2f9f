export { type CacheKeyOptions, cacheKey } from './cache-key.js';
export { type FileInfo, type FileState, type InfoOptions, type InfoResult, info } from './info.js';
