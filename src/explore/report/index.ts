export { type ReportOptions, type ReportResult, report } from './report.js';
