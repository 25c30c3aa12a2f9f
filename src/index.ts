/** The library: what the commands call. Nothing here prints, ends the process, or reads the environment. */
export { type CacheKeyOptions, cacheKey } from './cache-key.js';
export {
  type Batch,
  type BatchOptions,
  type Dataset,
  type MetaRow,
  type MetaTable,
  type OpenDatasetOptions,
  type OpenSplitOptions,
  openDataset,
  openSplit,
  type Split,
} from './dataset/index.js';
export {
  type DownloadedFile,
  type DownloadOptions,
  type DownloadResult,
  type DownloadStatus,
  download,
} from './download/index.js';
export { type ErrorCode, EXIT_CODES, PcamError } from './errors.js';
export type { OnEvent, PcamEvent } from './events.js';
export { exportDataset } from './export/export.js';
export type { ExportEvent, ExportOptions, ExportResult } from './export/types.js';
export { createFixture, type Fixture, type FixtureOptions } from './fixture/index.js';
export { type FileInfo, type FileState, type InfoOptions, type InfoResult, info } from './info.js';
export {
  type Finding,
  type VerifiedFile,
  type VerifyOptions,
  type VerifyResult,
  type VerifyStatus,
  verify,
} from './integrity/verify.js';
export { BUILT_IN_MANIFEST, parseManifest, readManifest } from './manifest.js';
export type { DatasetFile, Kind, Manifest, SourceConfig, SplitName } from './types.js';
