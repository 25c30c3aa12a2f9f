/** What a source is: a place that has copies of the files and hands out byte ranges of them. */
import type { DatasetFile, SourceConfig } from '../manifest/index.js';
import type { HttpClient, RangeReply, RangeRequest } from '../net/index.js';

export interface Source {
  readonly id: string;
  readonly type: string;
  /** Whose connections it uses, such as `zenodo.org:443`: sources that share a host share its connections. */
  readonly host?: string;
  /**
   * False when this source cannot have the file, such as one without a Google Drive id, or the decompressed form of an
   * archive at a host that has archives alone.
   */
  has(file: DatasetFile): boolean;
  /** Where a person finds the file: a URL without credentials, or a path. */
  urlOf(file: DatasetFile): string;
  /**
   * Opens bytes of a file. The reply may begin at 0 (no range support, or another copy than that of `range.validator`)
   * or end early; the caller checks.
   * @throws SourceFailure
   */
  open(file: DatasetFile, range: RangeRequest, signal: AbortSignal): Promise<RangeReply>;
}

/** Makes a source of its manifest entry. */
export type SourceFactory = (
  config: SourceConfig,
  context: SourceContext,
) => Pick<Source, 'has' | 'urlOf' | 'open'>;

export interface SourceContext {
  readonly client: HttpClient;
  /** A personal access token of Zenodo. */
  readonly zenodoToken?: string;
  /** The text of a cookies.txt with the user's session at Google. */
  readonly gdriveCookies?: string;
}
