export { exportDataset } from './export.js';
export type { ExportOptions, ExportResult } from './types.js';
