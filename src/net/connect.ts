/** Opens one connection along a route: name lookup, TCP, the proxy's tunnel, TLS; all within one deadline. */
import { request } from 'node:http';
import { connect, isIP, type LookupFunction, type Socket, type TcpSocketConnectOpts } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls';
import { USER_AGENT } from '../core/index.js';
import { createLookup } from './lookup.js';
import {
  Closed,
  type ConnectionStep,
  networkFailure,
  proxyRefusal,
  type Route,
  TookTooLong,
} from './network-error.js';
import { hostAndPort } from './proxy.js';
import { connectWide } from './wide-socket.js';

export interface ConnectOptions {
  readonly route: Route;
  /** ms for all steps together. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

export interface OpenConnection {
  readonly socket: Socket;
  /** What it receives is overwritten by the next bytes: see `connectWide`. */
  readonly lends: boolean;
}

/** @throws SourceFailure, or the signal's reason; the socket is closed then */
export type Opener = (options: ConnectOptions) => Promise<OpenConnection>;

const MOST_SESSIONS = 100;

/** @param ca certificates (PEM) to trust in place of the built-in ones */
export function createOpener({ ca }: { ca?: string }): Opener {
  const lookup = createLookup();
  // TLS sessions by server, so that the second connection there costs half the handshake.
  const sessions = new Map<string, Buffer>();
  let context: SecureContext | undefined;
  return async ({ route, timeout, signal }) => {
    const { target, proxy } = route;
    const attempt = new Attempt({ timeout, signal, lookup });
    const secured = (url: URL) => {
      context ??= createSecureContext({ ca });
      return attempt.secure(url, { context, sessions });
    };
    try {
      const first = proxy?.url ?? target;
      // TLS takes what is below it by another way.
      const lends = first.protocol === 'http:' && target.protocol === 'http:';
      await attempt.connect(first, lends ? connectWide : connect);
      if (proxy?.url.protocol === 'https:') {
        attempt.step = 'proxy-tls';
        await secured(proxy.url);
      }
      if (target.protocol === 'https:') {
        if (proxy) await attempt.tunnel(route);
        attempt.step = 'tls';
        await secured(target);
      }
      return { socket: attempt.done(), lends };
    } catch (error) {
      attempt.giveUp();
      if (signal.aborted) throw signal.reason;
      throw networkFailure(error, attempt.step, route);
    }
  };
}

/** One attempt: the socket so far, and the clock that runs over all its steps. */
class Attempt {
  step: ConnectionStep = 'connect';
  #socket: Socket | undefined;
  /** Rejects when time is up or the caller does not want it any more. */
  readonly #ended: Promise<never>;
  readonly #release: () => void;
  readonly #lookup: LookupFunction;

  constructor({ timeout, signal, lookup }: { timeout: number; signal: AbortSignal; lookup: LookupFunction }) {
    this.#lookup = lookup;
    let end: (reason: unknown) => void = () => {};
    this.#ended = new Promise<never>((_, reject) => {
      end = reject;
    });
    this.#ended.catch(() => {});
    const timer = setTimeout(() => end(new TookTooLong(timeout)), timeout);
    const onAbort = () => end(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    this.#release = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
  }

  async connect(url: URL, open: (options: TcpSocketConnectOpts) => Socket): Promise<void> {
    const host = bare(url.hostname);
    const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
    if (!isIP(host)) this.step = 'lookup';
    const lookup: LookupFunction = (name, options, callback) =>
      this.#lookup(name, options, (...found) => {
        if (this.step === 'lookup' && !found[0]) this.step = 'connect';
        callback(...found);
      });
    const buffers = { highWaterMark: 64 * 1024 };
    const socket = open({ host, port, lookup, noDelay: true, keepAlive: true, ...buffers });
    await this.#until(socket, 'connect');
  }

  /** TLS over the socket so far. */
  async secure(
    url: URL,
    { context, sessions }: { context: SecureContext; sessions: Map<string, Buffer> },
  ): Promise<void> {
    const host = bare(url.hostname);
    const key = hostAndPort(url);
    const below = this.#socket;
    const socket = connectTls({
      socket: below,
      host,
      // SNI is for names alone (RFC 6066, 3).
      servername: isIP(host) ? '' : host,
      secureContext: context,
      session: sessions.get(key),
      ALPNProtocols: ['http/1.1'],
    });
    socket.on('session', (session) => {
      if (sessions.size >= MOST_SESSIONS) sessions.clear();
      sessions.set(key, session);
    });
    socket.once('close', () => below?.destroy());
    await this.#until(socket, 'secureConnect');
  }

  /** CONNECT (RFC 9110, 9.3.6): from then on the proxy passes bytes on. */
  async tunnel(route: Route): Promise<void> {
    this.step = 'tunnel';
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
      createConnection: () => this.#socket!,
      setHost: false,
    });
    // Node would add `Connection: close`, which is not what a tunnel is for.
    asked.removeHeader('connection');
    const answered = new Promise<void>((resolve, reject) => {
      asked.once('connect', ({ statusCode = 0 }, socket, head) => {
        if (statusCode < 200 || statusCode > 299) return reject(proxyRefusal(statusCode, route));
        if (head.length > 0) socket.unshift(head);
        resolve();
      });
      // Any other answer has no place here, a body included.
      asked.once('response', ({ statusCode = 0 }) => reject(proxyRefusal(statusCode, route)));
      asked.on('error', reject);
      asked.once('close', () => reject(new Closed('the proxy closed the connection')));
    });
    answered.catch(() => {});
    asked.end();
    await Promise.race([answered, this.#ended]);
  }

  /** The connection is the caller's from now on. */
  done(): Socket {
    this.#release();
    return this.#socket!;
  }

  giveUp(): void {
    this.#release();
    this.#socket?.destroy();
  }

  async #until(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
    this.#socket = socket;
    const happened = new Promise<void>((resolve, reject) => {
      socket.once(event, resolve);
      // Stays attached: a socket that is not in use yet may fail too.
      socket.on('error', reject);
      socket.once('close', () => reject(new Closed('the other side closed the connection')));
    });
    happened.catch(() => {});
    await Promise.race([happened, this.#ended]);
  }
}

/** Without the brackets that a URL puts around an IPv6 address. */
function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}
