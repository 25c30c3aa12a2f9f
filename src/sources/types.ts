/** What a source is: a place that has copies of the files and hands out byte ranges of them. */
import type { ByteRange } from '../core/index.js';
import type { DatasetFile, SourceConfig } from '../manifest/index.js';
import type { HttpClient, RangeReply } from '../net/index.js';

export interface Source {
  readonly id: string;
  readonly type: string;
  /** False when this source cannot have the file, such as one without a Google Drive id. */
  has(file: DatasetFile): boolean;
  /**
   * Opens bytes of a file. The reply may begin at 0 (no range support) or end early; the caller looks.
   * @throws SourceFailure
   */
  open(file: DatasetFile, range: ByteRange, signal: AbortSignal): Promise<RangeReply>;
}

/** Makes a source of its manifest entry. */
export type SourceFactory = (config: SourceConfig, context: { client: HttpClient }) => Source;
