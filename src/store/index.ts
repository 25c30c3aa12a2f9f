export { type Layout, layout } from './layout.js';
export { completeMoves, finishMoves, type Move, moveAll } from './moves.js';
export { BLOCK, IMPORTED, PartFile } from './part-file.js';
export { PartStore } from './part-store.js';
export { RangeSet } from './range-set.js';
export { Receipts } from './receipts.js';
export { prepareState } from './state-folder.js';
