/** What all steps of one download share. */
import type { Clock, PcamEvent } from '../core/index.js';
import type { DatasetFile, Manifest } from '../manifest/index.js';
import type { Layout, OwnedLayout, Receipts } from '../store/index.js';
import type { RateLimit, SourcePool } from '../transfer/index.js';

/** The options of a download, resolved. */
export interface Settings {
  readonly manifest: Manifest;
  /** The files that were asked for, in the order of the manifest. */
  readonly files: readonly DatasetFile[];
  readonly paths: Layout;
  /** Folders, files and zip archives that may hold files of the data set. */
  readonly from: readonly string[];
  readonly keepArchives: boolean;
  readonly extract: boolean;
  readonly force: boolean;
  /** Decompress archives as they arrive, and keep nothing of them. */
  readonly stream: boolean;
  readonly jobs: number;
  readonly pool: SourcePool;
  /** @throws PcamError USAGE when all sources need a proxy that pcam cannot use */
  readonly requireReachable: () => void;
  readonly limit: RateLimit;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly emit: (event: PcamEvent) => void;
}

/** The settings of a run that holds the lock of the data set folder: no other run changes anything. */
export interface Session extends Settings {
  readonly paths: OwnedLayout;
  readonly receipts: Receipts;
}
