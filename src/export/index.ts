export { type ExportResult, exportDataset } from './export.js';
export type { ExportOptions } from './options.js';
