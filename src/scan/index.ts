export { type ClassSums, classSums } from './class-sums.js';
export { DigestTable } from './digest-table.js';

export { sumUpScans } from './progress.js';
export { type SplitScan, type SplitScanRequest, scanSplit } from './scan.js';
export { type Histograms, LEVELS, type Scan, SHA1_BYTES, sumOf, UNIFORM } from './types.js';
