/** What a client for HTTP takes and gives. */

export interface Timeouts {
  /** ms until a connection must be established: name lookup, proxy and TLS included. */
  connect: number;
  /** ms until the headers of a reply must be there. */
  headers: number;
  /** ms in which a body must deliver at least `stallBytes`. */
  stall: number;
}

export interface HttpReply {
  /** Where the redirects ended. */
  readonly url: URL;
  /** How the last request was made: a redirect may turn POST into GET. */
  readonly method: 'GET' | 'POST';
  readonly status: number;
  /** Lower-case names; of a repeated header the first value. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly setCookies: readonly string[];
  /** `host:port` of the proxy that it came through. */
  readonly proxy: string | undefined;
  /** Chunks as they arrive, each good until the next is asked for. Throws SourceFailure `passing` when the body breaks off or stalls. */
  readonly body: AsyncIterable<Uint8Array>;
  /** The body as text, cut at `most` bytes. */
  text(most: number): Promise<string>;
  /** Lets go of the connection; safe to call at any time. */
  discard(): void;
}

/** What is sent to one origin, and to no host that it redirects to. */
export interface Credentials {
  readonly origin: string;
  /** The value of `Authorization`. */
  readonly authorization: string;
}

/** Keeps what `Set-Cookie` says, for the requests that follow. */
export interface Cookies {
  store(url: URL, setCookies: readonly string[]): void;
  /** The value of `Cookie`, if there is any for this URL. */
  header(url: URL): string | undefined;
}

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly credentials?: Credentials;
  readonly cookies?: Cookies;
  readonly signal: AbortSignal;
}

export interface HttpClient {
  /**
   * GET, following redirects. Never throws for a status: the caller judges it.
   * @throws SourceFailure when there is no reply, or a redirect that must not be followed
   */
  get(url: string | URL, options: RequestOptions): Promise<HttpReply>;
  /** POST of a form (`application/x-www-form-urlencoded`), otherwise as `get`. */
  post(url: string | URL, form: string, options: RequestOptions): Promise<HttpReply>;
  /**
   * `host:port` of the proxy that a URL would be asked through.
   * @throws PcamError USAGE when it needs a proxy that pcam cannot use
   */
  proxyFor(url: string | URL): string | undefined;
  close(): Promise<void>;
}

/** One request, to one host; a redirect is the next one. */
export interface OneRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Makes it a POST. */
  readonly form?: string;
  readonly signal: AbortSignal;
}
