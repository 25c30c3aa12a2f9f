export { type Paint, painter, type Style } from './colour.js';
export { createProgress } from './progress.js';
export { table } from './table.js';
