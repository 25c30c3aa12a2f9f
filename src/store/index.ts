export { CHUNK_BYTES, ChunkMap, IMPORTED } from './chunks.js';
export { findNearby, type Layout, layout, type OwnedLayout, withDataFolder } from './layout.js';
export { takeOverOldPartial } from './old-partial.js';
export { PartialFile, removePartials, statPartials } from './partial.js';
export { type FileStats, Receipts } from './receipts.js';
