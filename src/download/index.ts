export { download } from './download.js';
export type { DownloadedFile, DownloadOptions, DownloadResult, DownloadStatus } from './options.js';
