/** HTTP for the sources: redirects by our own rules, timeouts, proxies. The only importer of undici. */
import { Agent, type Dispatcher, EnvHttpProxyAgent, errors, request } from 'undici';
import {
  DEFAULTS,
  HOMEPAGE,
  PcamError,
  type ProxySettings,
  printable,
  systemCode,
  VERSION,
} from '../core/index.js';
import { SourceFailure } from './failure.js';
import { parseRetryAfter } from './retry-after.js';

const MOST_REDIRECTS = 10;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Zenodo answers the default agents of HTTP clients with 403; a name and a home page are welcome. */
const USER_AGENT = `pcam/${VERSION} (+${HOMEPAGE})`;

export interface Timeouts {
  /** ms until a connection must stand. */
  connect: number;
  /** ms until the headers of a reply must be there. */
  headers: number;
  /** ms in which a body must bring at least `stallBytes`. */
  stall: number;
}

export interface HttpReply {
  /** Where the redirects ended. */
  readonly url: URL;
  readonly status: number;
  /** Lower-case names; of a repeated header the first value. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Chunks as they arrive. Throws SourceFailure `passing` when the body breaks off or stalls. */
  readonly body: AsyncIterable<Uint8Array>;
  /** The body as text, cut at `most` bytes. */
  text(most: number): Promise<string>;
  /** Lets go of the connection; safe to call at any time. */
  discard(): void;
}

export interface HttpClient {
  /**
   * GET, following redirects. Never throws for a status: the caller judges it.
   * @throws SourceFailure when there is no reply, or a redirect that must not be followed
   */
  get(
    url: string | URL,
    options: { headers?: Record<string, string>; signal: AbortSignal },
  ): Promise<HttpReply>;
  close(): Promise<void>;
}

export function createHttpClient({
  proxy = {},
  timeouts = {},
  ca,
}: {
  proxy?: ProxySettings;
  timeouts?: Partial<Timeouts>;
  ca?: string;
} = {}): HttpClient {
  const limits: Timeouts = {
    connect: timeouts.connect ?? DEFAULTS.connectTimeout,
    headers: timeouts.headers ?? DEFAULTS.headersTimeout,
    stall: timeouts.stall ?? DEFAULTS.stallTimeout,
  };
  const dispatcher = createDispatcher(proxy, limits, ca);
  return {
    get: (url, { headers = {}, signal }) =>
      follow({ dispatcher, limits, start: new URL(url), headers, signal }),
    close: () => dispatcher.destroy(),
  };
}

function createDispatcher(proxy: ProxySettings, limits: Timeouts, ca: string | undefined): Dispatcher {
  const options = {
    connect: { timeout: limits.connect, ...(ca === undefined ? {} : { ca }) },
    headersTimeout: limits.headers,
    // Stalls are told apart from our own pauses (--limit-rate, a slow disk) by `watched`, not by undici.
    bodyTimeout: 0,
    keepAliveTimeout: 4000,
  };
  if (!proxy.http && !proxy.https) return new Agent(options);
  return new EnvHttpProxyAgent({
    ...options,
    // To the server itself, through the tunnel; `connect` is for the way to the proxy.
    requestTls: options.connect,
    // Plain http goes through a proxy by absolute URL, as curl does it: many proxies tunnel to port 443 alone.
    proxyTunnel: false,
    httpProxy: proxyUrl(proxy.http),
    httpsProxy: proxyUrl(proxy.https),
    noProxy: proxy.no ?? '',
  });
}

/** `host:port` alone means http, as for curl. */
function proxyUrl(setting: string | undefined): string {
  if (!setting) return '';
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(setting) ? setting : `http://${setting}`;
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url;
  throw new PcamError('USAGE', `the proxy ${withoutPassword(setting)} is not an http or https URL`, {
    hint: 'correct HTTP_PROXY, HTTPS_PROXY or ALL_PROXY, or name hosts to be asked directly in NO_PROXY',
  });
}

function withoutPassword(setting: string): string {
  return setting.replace(/[^/@]*@/, '');
}

interface Follow {
  dispatcher: Dispatcher;
  limits: Timeouts;
  start: URL;
  headers: Record<string, string>;
  signal: AbortSignal;
}

async function follow({ dispatcher, limits, start, headers, signal }: Follow): Promise<HttpReply> {
  let url = start;
  for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
    const reply = await ask({ dispatcher, limits, url, headers, signal });
    const location = reply.headers.location;
    if (!REDIRECTS.has(reply.status) || location === undefined) return reply;
    reply.discard();
    url = redirectTarget(url, location);
  }
  throw new SourceFailure('wrong', `${start.host} redirects more than ${MOST_REDIRECTS} times`);
}

/** Never from https to http: the rest of the way could be read and changed by anybody. Never to another scheme. */
function redirectTarget(from: URL, location: string): URL {
  if (!URL.canParse(location, from.href)) {
    throw new SourceFailure(
      'wrong',
      `${from.host} redirects to ${printable(location, 100)}, which is no URL`,
    );
  }
  const to = new URL(location, from);
  if (to.protocol !== 'https:' && to.protocol !== 'http:') {
    throw new SourceFailure('wrong', `${from.host} redirects to a ${to.protocol} URL; not followed`);
  }
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw new SourceFailure('wrong', `${from.host} redirects from https to http (${to.host}); not followed`);
  }
  return to;
}

type Ask = Omit<Follow, 'start'> & { url: URL };

async function ask({ dispatcher, limits, url, headers, signal }: Ask): Promise<HttpReply> {
  const own = new AbortController();
  const both = AbortSignal.any([signal, own.signal]);
  let reply: Dispatcher.ResponseData;
  try {
    reply = await request(url, {
      dispatcher,
      method: 'GET',
      headers: { 'user-agent': USER_AGENT, accept: '*/*', 'accept-encoding': 'identity', ...headers },
      signal: both,
    });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw networkFailure(error, url);
  }
  reply.body.on('error', () => {}); // a body that is thrown away may still fail later
  const discard = () => own.abort();
  const body = watched(reply.body, { url, limits, signal, discard });
  return {
    url,
    status: reply.statusCode,
    headers: firstValues(reply.headers),
    body,
    discard,
    text: async (most) => {
      const parts: Uint8Array[] = [];
      let length = 0;
      for await (const chunk of body) {
        parts.push(chunk);
        length += chunk.length;
        if (length >= most) break;
      }
      discard();
      return Buffer.concat(parts).subarray(0, most).toString('utf8');
    },
  };
}

/**
 * The chunks of a body, with a stall watch that counts only the time spent waiting for the network: while the
 * consumer writes, or keeps to --limit-rate, the clock stands still.
 */
async function* watched(
  body: AsyncIterable<Uint8Array>,
  { url, limits, signal, discard }: { url: URL; limits: Timeouts; signal: AbortSignal; discard: () => void },
): AsyncGenerator<Uint8Array> {
  let stalled = false;
  let waited = 0;
  let bytes = 0;
  const iterator = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const since = performance.now();
      const timer = setTimeout(() => {
        stalled = true;
        discard();
      }, limits.stall - waited);
      let next: IteratorResult<Uint8Array>;
      try {
        next = await iterator.next();
      } finally {
        clearTimeout(timer);
      }
      if (next.done) return;
      waited += performance.now() - since;
      bytes += next.value.length;
      if (bytes >= DEFAULTS.stallBytes) waited = bytes = 0;
      yield next.value;
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (stalled) {
      throw new SourceFailure('passing', `${url.host} sent next to nothing for ${limits.stall / 1000} s`);
    }
    throw networkFailure(error, url);
  } finally {
    discard();
  }
}

function firstValues(headers: Record<string, string | string[] | undefined>) {
  const first: Record<string, string | undefined> = Object.create(null);
  for (const [name, value] of Object.entries(headers)) first[name] = Array.isArray(value) ? value[0] : value;
  return first;
}

const CERTIFICATE =
  /^(CERT_|ERR_TLS_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_SSL_|HOSTNAME_MISMATCH|INVALID_CA)/;

function networkFailure(error: unknown, url: URL): SourceFailure {
  const code = systemCode(error) || systemCode((error as { cause?: unknown }).cause);
  if (CERTIFICATE.test(code)) {
    return new SourceFailure('wrong', `the TLS certificate of ${url.host} is not trusted (${code})`, {
      wholeHost: true,
      cause: error,
    });
  }
  if (error instanceof errors.InvalidArgumentError) {
    return new SourceFailure('wrong', `${url.host} cannot be asked: ${error.message}`, { cause: error });
  }
  const said: Record<string, string> = {
    ENOTFOUND: 'the host name does not resolve',
    EAI_AGAIN: 'the host name does not resolve just now',
    ECONNREFUSED: 'the connection was refused',
    ECONNRESET: 'the connection was reset',
    EPIPE: 'the connection was closed',
    ETIMEDOUT: 'the connection timed out',
    ENETUNREACH: 'the network cannot be reached',
    EHOSTUNREACH: 'the host cannot be reached',
    UND_ERR_CONNECT_TIMEOUT: 'the connection timed out',
    UND_ERR_HEADERS_TIMEOUT: 'no reply came in time',
    UND_ERR_SOCKET: 'the connection was closed in the middle of a reply',
    UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the reply was not as long as announced',
  };
  const reason = said[code] ?? (error instanceof Error ? error.message : String(error));
  const wholeHost =
    /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|EHOSTUNREACH|UND_ERR_CONNECT_TIMEOUT)$/.test(code);
  return new SourceFailure('passing', `${url.host}: ${reason}`, { wholeHost, cause: error });
}

/** The failure that a status other than 200 and 206 stands for. */
export function statusFailure(reply: HttpReply, now: number = Date.now()): SourceFailure {
  const said = `${reply.url.host} answered ${reply.status}`;
  switch (reply.status) {
    case 429:
    case 503:
      return new SourceFailure('busy', `${said} (too busy)`, {
        retryAfter: parseRetryAfter(reply.headers, now),
        wholeHost: true,
      });
    case 403:
      return new SourceFailure('refused', `${said} (refused)`);
    case 408:
    case 425:
      return new SourceFailure('passing', said);
    case 404:
    case 410:
      return new SourceFailure('wrong', `${said} (it has no such file)`);
    default:
      return new SourceFailure(reply.status >= 500 ? 'passing' : 'wrong', said);
  }
}
