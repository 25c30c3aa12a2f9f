export { type Layout, layout, type OwnedLayout } from './layout.js';
export { withDataFolder } from './owned.js';
export type { OpenPart, Parts } from './part.js';
export { BLOCK, IMPORTED } from './part-file.js';
export { OwnedPartStore, PartStore } from './part-store.js';
export { WindowStore } from './part-window.js';
export { RangeSet } from './range-set.js';
export { type FileStats, Receipts } from './receipts.js';
