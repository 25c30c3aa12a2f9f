/** HTTP for the sources: one request, along the right way, with a deadline of its own. */
import {
  type Clock,
  DEFAULTS,
  PcamError,
  type ProxySettings,
  systemClock,
  systemCode,
  USER_AGENT,
} from '../core/index.js';
import { textOf, watched } from './body.js';
import { type Connection, Connections } from './connections.js';
import { SourceFailure } from './failure.js';
import { networkFailure, proxyRefusal, type Route, TookTooLong } from './network-error.js';
import { type ProxyChoice, proxyChoice } from './proxy.js';
import { type Following, follow } from './redirects.js';
import type { HttpClient, HttpReply, OneRequest, RequestOptions, Timeouts } from './types.js';

export interface ClientOptions {
  proxy?: ProxySettings;
  timeouts?: Partial<Timeouts>;
  /** Certificates (PEM) to trust in place of the built-in ones. */
  ca?: string;
  /** For the watch over bodies that stop coming. @default the system's */
  clock?: Clock;
}

export function createHttpClient({
  proxy = {},
  timeouts = {},
  ca,
  clock = systemClock,
}: ClientOptions = {}): HttpClient {
  const limits: Timeouts = {
    connect: timeouts.connect ?? DEFAULTS.connectTimeout,
    headers: timeouts.headers ?? DEFAULTS.headersTimeout,
    stall: timeouts.stall ?? DEFAULTS.stallTimeout,
  };
  const connections = new Connections({ ca });
  const choose = proxyChoice(proxy);
  const answered = new Set<string>();
  const send = (request: OneRequest) => ask({ connections, choose, limits, clock, answered, request });
  const start = (url: string | URL, options: RequestOptions, form?: string): Following => ({
    ...options,
    start: new URL(url),
    form,
  });
  return {
    get: (url, options) => follow(start(url, options), send),
    post: (url, form, options) => follow(start(url, options, form), send),
    proxyFor: (url) => choose(new URL(url))?.name,
    close: () => connections.close(),
  };
}

interface Ask {
  connections: Connections;
  choose: ProxyChoice;
  limits: Timeouts;
  clock: Clock;
  /** Origins that have answered a request. */
  answered: Set<string>;
  request: OneRequest;
}

async function ask({ connections, choose, limits, clock, answered, request }: Ask): Promise<HttpReply> {
  const { url, signal } = request;
  const route = routeOf(url, choose);
  for (let fresh = false; ; fresh = true) {
    const connection = await connections.take({ route, fresh, timeout: limits.connect, signal });
    try {
      const reply = await exchange({ connection, route, limits, clock, request });
      answered.add(url.origin);
      return reply;
    } catch (error) {
      connection.destroy();
      if (signal.aborted) throw signal.reason;
      // A server may close a connection that it kept just when the next request is on its way (RFC 9112, 9.3.1).
      if (connection.reused && request.form === undefined && isClosed(error)) continue;
      throw networkFailure(error, 'reply', route, answered.has(url.origin));
    }
  }
}

function routeOf(url: URL, choose: ProxyChoice): Route {
  try {
    return { target: url, proxy: choose(url) };
  } catch (error) {
    if (!(error instanceof PcamError)) throw error;
    // Other sources may not need that proxy.
    throw new SourceFailure('wrong', error.message, { wholeHost: true, hint: error.hint, cause: error });
  }
}

function isClosed(error: unknown): boolean {
  return ['CLOSED', 'ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(systemCode(error));
}

interface Exchange {
  connection: Connection;
  route: Route;
  limits: Timeouts;
  clock: Clock;
  request: OneRequest;
}

/** Sends the request and waits for the headers of its reply. */
async function exchange({ connection, route, limits, clock, request }: Exchange): Promise<HttpReply> {
  const { url, headers, form, signal } = request;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    connection.destroy();
  }, limits.headers);
  const onAbort = () => connection.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  let over = false;
  const finish = (how: () => void) => {
    if (over) return;
    over = true;
    signal.removeEventListener('abort', onAbort);
    how();
  };
  const onEnd = () => finish(() => connection.release());
  const discard = () => finish(() => connection.destroy());
  try {
    const {
      status,
      headers: received,
      body,
    } = await connection.send({
      // Plain http goes through a proxy by absolute URL, as curl does it: many proxies tunnel to port 443 alone.
      path: byAbsoluteUrl(route)
        ? `${url.origin}${url.pathname}${url.search}`
        : `${url.pathname}${url.search}`,
      method: form === undefined ? 'GET' : 'POST',
      body: form,
      headers: {
        'user-agent': USER_AGENT,
        accept: '*/*',
        'accept-encoding': 'identity',
        ...headers,
        ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        ...(byAbsoluteUrl(route) && route.proxy?.authorization
          ? { 'proxy-authorization': route.proxy.authorization }
          : {}),
      },
    });
    if (status === 407 && byAbsoluteUrl(route)) throw proxyRefusal(status, route);
    const chunks = watched(body, { route, stall: limits.stall, clock, signal, onEnd, onLeft: discard });
    return {
      url,
      method: form === undefined ? 'GET' : 'POST',
      status,
      headers: firstValues(received),
      setCookies: [received['set-cookie'] ?? []].flat(),
      proxy: route.proxy?.name,
      body: chunks,
      discard,
      text: (most) => textOf(chunks, most).finally(discard),
    };
  } catch (error) {
    discard();
    throw late ? new TookTooLong(limits.headers) : error;
  } finally {
    clearTimeout(timer);
  }
}

function byAbsoluteUrl({ target, proxy }: Route): boolean {
  return proxy !== undefined && target.protocol === 'http:';
}

function firstValues(headers: Record<string, string | string[] | undefined>) {
  const first: Record<string, string | undefined> = Object.create(null);
  for (const [name, value] of Object.entries(headers)) first[name] = Array.isArray(value) ? value[0] : value;
  return first;
}
