/** What callers of `download` give and get. */
import type { ErrorFacts, OnEvent, ProxySettings } from '../core/index.js';
import type { Kind, Manifest, SplitName } from '../manifest/index.js';
import type { Timeouts } from '../net/index.js';
import type { Pauses } from '../transfer/index.js';

export interface DownloadOptions {
  /** The data set folder. @default 'pcam' */
  dir?: string;
  /** A manifest, or the path of one. @default the built-in one */
  manifest?: Manifest | string;
  /** @default all */
  splits?: readonly SplitName[];
  /** @default all */
  kinds?: readonly Kind[];
  /** Ids of the manifest's sources, in the order of preference. @default all, in the manifest's order */
  sources?: readonly string[];
  /** URLs or folders that are tried before all sources. */
  mirrors?: readonly string[];
  /**
   * Folders (searched in depth), files and zip archives with files that are already here: whole archives, decompressed
   * files, unfinished archives. They are recognised by size and content, whatever their names.
   */
  from?: string | readonly string[];
  /** Maximum concurrent requests per source. @default 4 */
  connections?: number;
  /** Files in progress at the same time. @default 3 */
  jobs?: number;
  /** Bytes per second, over all connections. @default no limit */
  limitRate?: number;
  /** Keep the archives beside what comes out of them. @default false */
  keepArchives?: boolean;
  /** `false`: archives alone, not decompressed. @default true */
  extract?: boolean;
  /**
   * Decompress archives while they arrive, and keep nothing of them on the disk: what is interrupted starts again.
   * Where room is short, this is done without being asked for. @default false
   */
  stream?: boolean;
  /** Fetch everything again, whatever is there. @default false */
  force?: boolean;
  /** Say what would be done, and do nothing. @default false */
  dryRun?: boolean;
  signal?: AbortSignal;
  onEvent?: OnEvent;
  /** @default none: the library does not read the environment */
  proxy?: ProxySettings;
  timeouts?: Partial<Timeouts>;
  /** How patient to be with sources that fail. */
  pauses?: Partial<Pauses>;
  /** @deprecated The name of `pauses` until 0.2.0. */
  rests?: Partial<Pauses>;
  /** Certificates (PEM) to trust in place of the built-in ones. */
  ca?: string;
  /** Sent as `Authorization: Bearer` to sources of type zenodo, over https and to no host that they redirect to. */
  zenodoToken?: string;
  /**
   * The text of a cookies.txt (Netscape format) with a session at Google, for sources of type google-drive: each cookie
   * goes over https to hosts that its own domain matches, and nowhere else.
   */
  gdriveCookies?: string;
}

export type DownloadStatus =
  | 'downloaded'
  /** Bytes of an earlier run, or of another tool's partial archive, were used. */
  | 'resumed'
  /** Taken over from this machine, without the network. */
  | 'imported'
  /** Already there and right. */
  | 'present'
  | 'failed'
  /** With `dryRun`; and `present`. */
  | 'would-download'
  | 'would-resume'
  | 'would-import'
  | 'would-fail';

export interface DownloadedFile {
  name: string;
  status: DownloadStatus;
  /** Absolute path of the finished file, the archive with `extract: false`; null where there is none. */
  path: string | null;
  /** Size of the file as the manifest names it (the archive), or of what is on the disk where that is not known. */
  bytes: number;
  /**
   * Bytes of the file that came from sources in this run, each byte counted once: a copy that came second, or before
   * the range that was asked for, does not count. What had to be fetched again because it was wrong does.
   */
  transferred: number;
  /** The same by source id. */
  sources: Record<string, number>;
  /** Its archive was decompressed while it arrived, and nothing of it is kept when that fails. */
  streamed?: true;
  error?: ErrorFacts;
}

export interface DownloadResult {
  ok: boolean;
  /** In the manifest's order. */
  files: DownloadedFile[];
  dryRun?: true;
  /** With `dryRun`: bytes of free disk that the run would need. */
  room?: number;
}
