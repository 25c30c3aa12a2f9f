export { exportDataset } from './export.js';
export type { ExportEvent, ExportOptions, ExportResult } from './types.js';
