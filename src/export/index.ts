export { exportDataset } from './export.js';
export { parsePart } from './settings.js';
export type { ExportEvent, ExportOptions, ExportResult } from './types.js';
