/** What all files of one download share. */
import type { Clock, PcamEvent } from '../core/index.js';
import type { DatasetFile, Manifest } from '../manifest/index.js';
import type { Layout, OwnedLayout, OwnedPartStore, PartStore, Receipts } from '../store/index.js';
import type { RateLimit, SourcePool } from '../transfer/index.js';

export interface Run {
  readonly manifest: Manifest;
  readonly paths: Layout;
  readonly receipts: Receipts;
  readonly parts: PartStore;
  readonly pool: SourcePool;
  /** @throws PcamError USAGE when all sources need a proxy that pcam cannot use */
  readonly requireReachable: () => void;
  readonly limit: RateLimit;
  readonly clock: Clock;
  readonly keepArchives: boolean;
  readonly extract: boolean;
  readonly force: boolean;
  readonly dryRun: boolean;
  /** Unpack archives as they arrive, and keep nothing of them, wherever that is possible. */
  readonly stream: boolean;
  readonly from: string | undefined;
  readonly signal: AbortSignal;
  readonly emit: (event: PcamEvent) => void;
}

/** A run that holds the lock of the data set folder: only that one changes anything. */
export interface OwnedRun extends Run {
  readonly paths: OwnedLayout;
  readonly parts: OwnedPartStore;
  /** Files whose archive is never on the disk as a whole. */
  readonly windowed: ReadonlySet<DatasetFile>;
}
