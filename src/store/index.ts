export { CHUNK_BYTES, ChunkMap, IMPORTED } from './chunks.js';
export { type Layout, layout, type OwnedLayout } from './layout.js';
export { withDataFolder } from './owned.js';
export { PartialFile, removePartials, statPartials } from './partial.js';
export { type FileStats, Receipts } from './receipts.js';
