export { createProgress } from './progress.js';
export { table } from './table.js';
