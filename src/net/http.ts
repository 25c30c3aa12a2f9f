/** The HTTP client: turns a URL, headers and a signal into a reply, and follows redirects by its own rules. */
import type { Readable } from 'node:stream';
import {
  type Clock,
  DEFAULTS,
  PcamError,
  type ProxySettings,
  showUrl,
  systemClock,
  USER_AGENT,
} from '../core/index.js';
import type { Lookup } from './connect.js';
import { type Connection, Connections } from './connections.js';
import { earlyPause, type ReplyHead, SourceFailure } from './failure.js';
import { isConnectionClosed, networkFailure, proxyRefusal, StepTimeout } from './network-failure.js';
import { type ProxyChoice, proxyChoice, type Route } from './proxy.js';

export interface Timeouts {
  /** ms until a connection must be established: name lookup, proxy and TLS included. */
  connect: number;
  /** ms until the headers of a reply must be there. */
  headers: number;
  /** ms in which a body must deliver at least `DEFAULTS.stallBytes`. */
  stall: number;
}

export interface HttpReply extends ReplyHead {
  /** How the last request was made: a redirect may turn POST into GET. */
  readonly method: 'GET' | 'POST';
  readonly setCookies: readonly string[];
  /** Chunks as they arrive. Throws SourceFailure `passing` when the body breaks off or stalls. */
  readonly body: AsyncIterable<Uint8Array>;
  /**
   * The body as text, cut at `max` bytes.
   * @param timeout ms for all of it; default: that of headers
   * @throws SourceFailure `passing` also when it takes longer
   */
  text(max: number, timeout?: number): Promise<string>;
  /** Gives up the rest of the body, and the connection with it; safe to call at any time. */
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
  /** Sent by POST, as `application/x-www-form-urlencoded`. */
  readonly form?: string;
  readonly signal: AbortSignal;
}

export interface ClientOptions {
  proxy?: ProxySettings;
  timeouts?: Partial<Timeouts>;
  /** Certificates (PEM) to trust in place of Node's and the system's. */
  ca?: string;
  /** All addresses of a name. @default the system's */
  lookup?: Lookup;
  /** For the timeouts of bodies. @default the system's */
  clock?: Clock;
}

export class HttpClient {
  readonly #limits: Timeouts;
  readonly #clock: Clock;
  readonly #connections: Connections;
  readonly #chooseProxy: ProxyChoice;
  /** Origins that have answered a request. */
  readonly #answered = new Set<string>();
  /** By origin, until when (by the clock) it allows no further request. */
  readonly #exhausted = new Map<string, number>();

  constructor({ proxy = {}, timeouts = {}, ca, lookup, clock = systemClock }: ClientOptions = {}) {
    this.#limits = {
      connect: timeouts.connect ?? DEFAULTS.connectTimeout,
      headers: timeouts.headers ?? DEFAULTS.headersTimeout,
      stall: timeouts.stall ?? DEFAULTS.stallTimeout,
    };
    this.#clock = clock;
    this.#connections = new Connections({ ca, lookup, timeout: this.#limits.connect });
    this.#chooseProxy = proxyChoice(proxy);
  }

  /**
   * A request, and those that its reply redirects to. Never throws for a status: the caller decides what it means.
   * @throws SourceFailure when there is no reply, or a redirect that must not be followed
   */
  fetch(url: string | URL, options: RequestOptions): Promise<HttpReply> {
    return follow(new URL(url), options, (request) => this.#send(request));
  }

  /**
   * `host:port` of the proxy that a URL would be asked through.
   * @throws PcamError USAGE when it needs a proxy that pcam cannot use
   */
  proxyFor(url: string | URL): string | undefined {
    return this.#chooseProxy(new URL(url))?.name;
  }

  /** Cuts every connection. */
  close(): Promise<void> {
    return this.#connections.close();
  }

  async #send(request: SingleRequest): Promise<HttpReply> {
    const { url, form, signal } = request;
    const route = routeTo(url, this.#chooseProxy);
    this.#requireAllowance(url);
    for (;;) {
      const connection = await this.#connections.take(route);
      try {
        const reply = await this.#exchange(connection, route, request);
        this.#answered.add(url.origin);
        this.#exhausted.set(url.origin, this.#clock.now() + earlyPause(reply.headers));
        return reply;
      } catch (error) {
        connection.destroy();
        if (signal.aborted) throw signal.reason;
        // A server may close a connection that it kept just when the next request is on its way (RFC 9112, 9.3.1).
        if (connection.reused && form === undefined && isConnectionClosed(error)) continue;
        throw networkFailure(error, 'reply', route, { answered: this.#answered.has(url.origin) });
      }
    }
  }

  /** A host that says that no request is left would answer the next one with 429. */
  #requireAllowance({ host, origin }: URL): void {
    const retryAfter = (this.#exhausted.get(origin) ?? 0) - this.#clock.now();
    if (retryAfter <= 0) return;
    const message = `${host} allows no further request for now (X-RateLimit-Remaining: 0)`;
    throw new SourceFailure('busy', message, { retryAfter, wholeHost: true });
  }

  /** Sends a request and waits for the headers of its reply. When this throws, the caller destroys the connection. */
  async #exchange(connection: Connection, route: Route, request: SingleRequest): Promise<HttpReply> {
    const { url, signal } = request;
    const { headers: timeout, stall } = this.#limits;
    const clock = this.#clock;
    const timer = setTimeout(() => connection.destroy(new StepTimeout(timeout)), timeout);
    if (!connection.reused) connection.client.once('connect', () => timer.refresh());
    const onAbort = () => void connection.destroy();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      signal.throwIfAborted();
      const sent = toUndici(route, request);
      const { statusCode: status, headers, body } = await connection.client.request(sent);
      body.once('close', () => {
        signal.removeEventListener('abort', onAbort);
        if (body.readableEnded) connection.idle = true;
        else connection.destroy();
      });
      // A body that is given up before its end fails with an error that nobody waits for.
      body.on('error', () => {});
      if (status === 407 && isAbsolute(route)) throw proxyRefusal(status, route);
      const chunks = readBody(body, { route, stall, clock, signal });
      return {
        url,
        method: sent.method,
        status,
        headers: firstValues(headers),
        setCookies: [headers['set-cookie'] ?? []].flat(),
        proxy: route.proxy?.name,
        body: chunks,
        text: (max, limit = timeout) => {
          const late = `${url.host} took longer than ${limit / 1000} s to send a page`;
          const onTimeout = () => body.destroy(new SourceFailure('passing', late));
          return readText(chunks, max).finally(clock.after(limit, onTimeout));
        },
        discard: () => void body.destroy(),
      };
    } catch (error) {
      signal.removeEventListener('abort', onAbort);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}

const MAX_REDIRECTS = 10;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** The body of a redirect is read up to here, so that its connection can be used again. */
const MAX_REDIRECT_BODY = 16 * 1024;

/** One request to one host; a redirect is the next one. */
interface SingleRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly form: string | undefined;
  readonly signal: AbortSignal;
}

async function follow(
  start: URL,
  { headers = {}, credentials, cookies, form, signal }: RequestOptions,
  send: (request: SingleRequest) => Promise<HttpReply>,
): Promise<HttpReply> {
  let url = withoutUser(start);
  let body = form;
  // Not sent again once a redirect has led elsewhere, even if another one leads back.
  let trusted = credentials;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    if (trusted && url.origin !== trusted.origin) trusted = undefined;
    const all: Record<string, string> = { ...headers };
    if (trusted) all.authorization = trusted.authorization;
    const cookie = cookies?.header(url);
    if (cookie !== undefined) all.cookie = cookie;
    const reply = await send({ url, headers: all, form: body, signal });
    cookies?.store(url, reply.setCookies);
    const { location, 'content-length': length } = reply.headers;
    if (!REDIRECTS.has(reply.status) || location === undefined) return reply;
    if (Number(length) <= MAX_REDIRECT_BODY) await reply.text(MAX_REDIRECT_BODY + 1).catch(() => {});
    reply.discard();
    url = redirectTarget(url, utf8(location));
    // As browsers do: only 307 and 308 ask for the same request again.
    if (reply.status < 307) body = undefined;
  }
  throw new SourceFailure('wrong', `${start.host} redirects more than ${MAX_REDIRECTS} times`);
}

/** undici reads headers as Latin-1; servers that put a raw path into Location write UTF-8. */
function utf8(value: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'latin1'));
  } catch {
    return value;
  }
}

function redirectTarget(from: URL, location: string): URL {
  if (!URL.canParse(location, from.href)) {
    throw new SourceFailure('wrong', `${from.host} redirects to ${showUrl(location)}, which is not a URL`);
  }
  const to = new URL(location, from);
  requireWeb(to, from, `${from.host} redirects`);
  return withoutUser(to);
}

/**
 * Where a reply leads must be http or https, and https where it came by https: else the rest of the way could be read
 * and changed on the network.
 * @param subject what leads there: `zenodo.org redirects`
 * @throws SourceFailure `wrong`
 */
export function requireWeb(to: URL, from: URL, subject: string): void {
  if (to.protocol !== 'https:' && to.protocol !== 'http:') {
    throw new SourceFailure('wrong', `${subject} to a ${to.protocol} URL; not followed`);
  }
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw new SourceFailure('wrong', `${subject} from https to http (${to.host}); not followed`);
  }
}

/** A redirect could put a user and a password into its URL: what is sent comes from `credentials` alone. */
function withoutUser(url: URL): URL {
  const clean = new URL(url);
  clean.username = '';
  clean.password = '';
  clean.hash = '';
  return clean;
}

function routeTo(target: URL, chooseProxy: ProxyChoice): Route {
  try {
    return { target, proxy: chooseProxy(target) };
  } catch (error) {
    if (!(error instanceof PcamError)) throw error;
    // Other sources may not need that proxy.
    throw new SourceFailure('wrong', error.message, { wholeHost: true, hint: error.hint, cause: error });
  }
}

/** Plain http goes through a proxy by absolute URL, as curl does it: many proxies open tunnels to port 443 alone. */
function isAbsolute({ target, proxy }: Route): boolean {
  return proxy !== undefined && target.protocol === 'http:';
}

function toUndici(route: Route, { url, headers, form }: SingleRequest) {
  const all: Record<string, string> = {
    'user-agent': USER_AGENT,
    accept: '*/*',
    'accept-encoding': 'identity',
    ...headers,
  };
  if (form !== undefined) all['content-type'] = 'application/x-www-form-urlencoded';
  const ofProxy = isAbsolute(route) ? route.proxy?.authorization : undefined;
  if (ofProxy !== undefined) all['proxy-authorization'] = ofProxy;
  const path = `${url.pathname}${url.search}`;
  const method: HttpReply['method'] = form === undefined ? 'GET' : 'POST';
  return { path: isAbsolute(route) ? `${url.origin}${path}` : path, method, headers: all, body: form };
}

function firstValues(headers: Record<string, string | string[] | undefined>) {
  const first: Record<string, string | undefined> = Object.create(null);
  for (const [name, value] of Object.entries(headers)) first[name] = Array.isArray(value) ? value[0] : value;
  return first;
}

interface BodyOptions {
  readonly route: Route;
  /** ms in which the body must deliver at least `DEFAULTS.stallBytes`. */
  readonly stall: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Shortest time between two looks at a body that stalls (ms). */
const MIN_STALL_CHECK = 50;

/**
 * The chunks of a body. The stall timeout counts only the time spent waiting for the network, not the time in which the
 * consumer writes or keeps to a rate limit; one timer serves the whole body, so that a chunk costs none.
 * @throws SourceFailure `passing` when the body breaks off or stalls
 */
async function* readBody(body: Readable, options: BodyOptions): AsyncGenerator<Uint8Array> {
  const { route, stall, clock, signal } = options;
  let bytes = 0;
  let waited = 0;
  let waitingSince: number | undefined = clock.now();
  let cancel = () => {};
  const check = () => {
    const now = clock.now();
    const left = stall - waited - (now - (waitingSince ?? now));
    if (left <= 0) body.destroy(new StepTimeout(stall));
    else cancel = clock.after(Math.max(left, MIN_STALL_CHECK), check);
  };
  check();
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      waited += clock.now() - waitingSince;
      waitingSince = undefined;
      bytes += chunk.length;
      if (bytes >= DEFAULTS.stallBytes) waited = bytes = 0;
      yield chunk;
      waitingSince = clock.now();
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw networkFailure(error, 'body', route);
  } finally {
    cancel();
  }
}

async function readText(chunks: AsyncIterable<Uint8Array>, max: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    length += chunk.length;
    if (length >= max) break;
  }
  return Buffer.concat(parts).subarray(0, max).toString('utf8');
}
