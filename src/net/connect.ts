/** Opens a connection: name lookup, TCP, a proxy's tunnel and TLS, all within one timeout. */
import type { LookupAddress } from 'node:dns';
import { lookup as systemLookup } from 'node:dns/promises';
import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import pLimit from 'p-limit';
import { USER_AGENT } from '../core/index.js';
import { firstTrust, systemTrust, type Trust } from './certificates.js';
import {
  ConnectionClosed,
  isUntrusted,
  networkFailure,
  proxyRefusal,
  type Step,
  StepTimeout,
} from './network-failure.js';
import { bare, hostAndPort, portOf, type Route } from './proxy.js';

export interface ConnectionOptions {
  /** Certificates (PEM) to trust in place of Node's and the system's. */
  readonly ca: string | undefined;
  /** ms until a connection must be ready for a request. */
  readonly timeout: number;
  /** All addresses of a name. @default the system's */
  readonly lookup?: Lookup;
}

export type Lookup = (name: string, options: { all: true; hints?: number }) => Promise<LookupAddress[]>;

/** A connection on its way to being ready. */
export interface Attempt {
  step: Step;
  /** What is open so far. */
  socket?: Socket;
  trust?: Trust;
  /** Why it was given up. */
  ended?: Error;
}

export function end(attempt: Attempt, error: Error): void {
  attempt.ended ??= error;
  attempt.socket?.destroy(error);
}

export class Connector {
  readonly #timeout: number;
  readonly #lookup: LookupFunction;
  /** The address at which a host was reached, which is tried first from then on. */
  readonly #reached = new Map<string, string>();
  /** TLS sessions by server: the second connection there costs half the handshake. */
  readonly #sessions = new Map<string, Buffer>();
  readonly #ca: string | undefined;
  #firstTrust: Trust | undefined;
  #systemTrust: Promise<Trust> | undefined;

  constructor({ ca, timeout, lookup = systemLookup }: ConnectionOptions) {
    this.#ca = ca;
    this.#timeout = timeout;
    this.#lookup = createLookup(lookup, this.#reached);
  }

  /** @throws SourceFailure; nothing stays open then */
  async open(attempt: Attempt, route: Route): Promise<Socket> {
    const timer = setTimeout(() => end(attempt, new StepTimeout(this.#timeout)), this.#timeout);
    try {
      return await this.#open(attempt, route).catch((error) => {
        const canTrustMore = this.#ca === undefined && attempt.trust === this.#firstTrust;
        if (!isUntrusted(error) || !canTrustMore) throw error;
        attempt.socket?.destroy();
        this.#systemTrust ??= systemTrust();
        return this.#open(attempt, route);
      });
    } catch (error) {
      attempt.socket?.destroy();
      throw networkFailure(error, attempt.step, route, { trust: attempt.trust?.description });
    } finally {
      clearTimeout(timer);
    }
  }

  async #open(attempt: Attempt, { target, proxy }: Route): Promise<Socket> {
    attempt.step = 'lookup';
    const first = proxy?.url ?? target;
    // All that is waited for comes before the socket is open, so that no event of it is missed.
    if ([first.protocol, target.protocol].includes('https:')) attempt.trust = await this.#trust();
    // As a module, node:http loads Node's own undici (see loadUndici), so not before it is needed.
    const http = await import('node:http');
    const buffers = { highWaterMark: 64 * 1024 };
    const families = { autoSelectFamily: true, autoSelectFamilyAttemptTimeout: ADDRESS_TIMEOUT };
    const host = bare(first.hostname);
    const tcp = connect({ host, port: portOf(first), lookup: this.#lookup, ...families, ...buffers });
    tcp.once('lookup', () => {
      attempt.step = 'connect';
    });
    let socket = await ready(tcp, 'connect', attempt);
    if (tcp.remoteAddress) this.#reached.set(host, tcp.remoteAddress);
    tcp.setNoDelay(true).setKeepAlive(true, 60_000);
    if (proxy?.url.protocol === 'https:') {
      attempt.step = 'proxy-tls';
      socket = await this.#secure(socket, proxy.url, attempt);
    }
    if (target.protocol !== 'https:') return socket;
    if (proxy) {
      attempt.step = 'tunnel';
      await openTunnel(socket, http, { target, proxy });
    }
    attempt.step = 'tls';
    return this.#secure(socket, target, attempt);
  }

  async #trust(): Promise<Trust> {
    this.#firstTrust ??= firstTrust(this.#ca);
    return (await this.#systemTrust) ?? this.#firstTrust;
  }

  /** TLS over an open socket. */
  #secure(below: Socket, url: URL, attempt: Attempt): Promise<Socket> {
    const host = bare(url.hostname);
    const server = hostAndPort(url);
    const socket = connectTls({
      socket: below,
      host,
      // SNI is for names alone (RFC 6066, 3).
      servername: isIP(host) ? '' : host,
      secureContext: attempt.trust?.context,
      session: this.#sessions.get(server),
      ALPNProtocols: ['http/1.1'],
    });
    socket.on('session', (session) => this.#sessions.set(server, session));
    socket.once('close', () => below.destroy());
    return ready(socket, 'secureConnect', attempt);
  }
}

/** Waits for a socket, which is the attempt's from now on. */
function ready(socket: Socket, event: 'connect' | 'secureConnect', attempt: Attempt): Promise<Socket> {
  attempt.socket = socket;
  if (attempt.ended) socket.destroy(attempt.ended);
  return new Promise((resolve, reject) => {
    socket.once(event, () => resolve(socket));
    // Stays attached: a socket that is ready and not in use yet may fail too.
    socket.on('error', reject);
    socket.once('close', () => reject(new ConnectionClosed('the other side closed the connection')));
  });
}

/** CONNECT (RFC 9110, 9.3.6): from then on the proxy passes bytes on. */
async function openTunnel(
  socket: Socket,
  { request }: typeof import('node:http'),
  route: Route,
): Promise<void> {
  const { target, proxy } = route;
  const authority = hostAndPort(target);
  const asked = request({
    method: 'CONNECT',
    path: authority,
    headers: {
      host: authority,
      'user-agent': USER_AGENT,
      'proxy-connection': 'keep-alive',
      ...(proxy?.authorization === undefined ? {} : { 'proxy-authorization': proxy.authorization }),
    },
    createConnection: () => socket,
    setHost: false,
  });
  // Node would add `Connection: close`, which is not what a tunnel is for.
  asked.removeHeader('connection');
  await new Promise<void>((resolve, reject) => {
    asked.once('connect', ({ statusCode = 0 }, _, head) => {
      if (statusCode < 200 || statusCode > 299) return reject(proxyRefusal(statusCode, route));
      if (head.length > 0) socket.unshift(head);
      resolve();
    });
    // Any other answer is a refusal, with or without a body.
    asked.once('response', ({ statusCode = 0 }) => reject(proxyRefusal(statusCode, route)));
    asked.on('error', reject);
    asked.once('close', () => reject(new ConnectionClosed('the proxy closed the connection')));
    asked.end();
  });
}

/**
 * ms that each address of a name gets. Node gives 250 and then drops it, which locks out everyone who is further away
 * (https://github.com/nodejs/node/issues/54359).
 */
const ADDRESS_TIMEOUT = 4000;

const MAX_LOOKUPS = 2;

/**
 * Looks up each name once at a time, however many connections wait for it, and two names at once: `getaddrinfo` runs on
 * the four threads that file system calls run on too, and takes half a minute where a name server is dead.
 */
function createLookup(lookup: Lookup, reached: ReadonlyMap<string, string>): LookupFunction {
  const limit = pLimit(MAX_LOOKUPS);
  const pending = new Map<string, Promise<LookupAddress[]>>();
  return (name, { all, hints }, callback) => {
    let addresses = pending.get(name);
    if (!addresses) {
      addresses = limit(() => lookup(name, { all: true, hints })).finally(() => pending.delete(name));
      pending.set(name, addresses);
    }
    addresses.then(
      (found) => {
        const isReached = ({ address }: LookupAddress) => Number(address === reached.get(name));
        const sorted = found.toSorted((a, b) => isReached(b) - isReached(a));
        if (all) callback(null, sorted);
        else callback(null, sorted[0]!.address, sorted[0]!.family);
      },
      (error) => callback(error, ''),
    );
  };
}
