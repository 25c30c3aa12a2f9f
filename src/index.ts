/** The library: what the commands call. Nothing here prints, ends the process, or reads the environment. */

export { type BrowseOptions, type Browsing, browse } from './browse/index.js';
export {
  type ErrorCode,
  EXIT_CODES,
  type OnEvent,
  type Outcome,
  PcamError,
  type PcamEvent,
  type Step,
  type Unit,
} from './core/index.js';
export {
  type ArrayPlace,
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
export { type PreviewOptions, type PreviewResult, preview } from './explore/preview/index.js';
export { type ReportOptions, type ReportResult, report } from './explore/report/report.js';
export { type StatsOptions, type StatsResult, stats } from './explore/stats/index.js';
export { type ExportOptions, type ExportResult, exportDataset } from './export/index.js';
export { createFixture, type Fixture, type FixtureOptions } from './fixture/fixture.js';
export {
  type FileInfo,
  type FileState,
  type InfoOptions,
  type InfoResult,
  info,
  type Probe,
  type ProbeOptions,
  type ProbeStatus,
  probeSources,
} from './info/index.js';
export {
  BUILT_IN_MANIFEST,
  type CacheKeyOptions,
  cacheKey,
  type DatasetFile,
  type Kind,
  type Manifest,
  parseManifest,
  readManifest,
  type SourceConfig,
  type SplitName,
} from './manifest/index.js';
export type { ScoreKind } from './score/kind.js';
export { score } from './score/score.js';
export type { ScoreOptions, ScoreResult } from './score/types.js';
export { type PatchSelection, type SelectionOptions, selectPatches } from './selection/index.js';
export { type SubsetFile, type SubsetOptions, type SubsetResult, subset } from './subset.js';
export {
  type Finding,
  type VerifiedFile,
  type VerifyOptions,
  type VerifyResult,
  type VerifyStatus,
  verify,
} from './verify/index.js';
