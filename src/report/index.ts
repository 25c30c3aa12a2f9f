export { createProgress } from './progress.js';
export { type Paint, painter, type Style, table } from './table.js';
