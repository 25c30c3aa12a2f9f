/**
 * The connections of a client: each carries one request at a time and is opened for one, so that a connection that
 * cannot be made is one failure. (A dispatcher of undici connects again by itself for as long as a request is queued:
 * behind a proxy that hangs up, thousands of times a second.) The only importer of undici.
 */
import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import Client from 'undici/lib/dispatcher/client.js';
import { Arrivals } from './body.js';
import { createOpener, type OpenConnection, type Opener } from './connect.js';
import { Closed, type Route } from './network-error.js';

/** How long a connection is kept for the next request (ms); servers close theirs after 5 s and more. */
const KEPT = 4000;

/** The beginning of a reply, and its body as it comes. */
export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: AsyncIterable<Uint8Array>;
}

export interface Connection {
  /** It has carried a request before: the server may have closed it meanwhile. */
  readonly reused: boolean;
  send(request: Dispatcher.DispatchOptions): Promise<Answer>;
  /** The reply was read to its end: the next request may have the connection. */
  release(): void;
  /** Closes it, whatever is on the way. */
  destroy(): void;
}

export interface TakeOptions {
  readonly route: Route;
  /** A new one, where those at hand have turned out to be closed. */
  readonly fresh: boolean;
  /** ms until the connection must be established. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

export class Connections {
  readonly #open: Opener;
  readonly #idle = new Map<string, Held[]>();
  readonly #all = new Set<Held>();
  #closed = false;

  constructor({ ca }: { ca?: string }) {
    this.#open = createOpener({ ca });
  }

  /** @throws SourceFailure when none could be made, or the signal's reason */
  async take({ route, fresh, timeout, signal }: TakeOptions): Promise<Connection> {
    const key = keyOf(route);
    const idle = this.#idle.get(key) ?? [];
    this.#idle.delete(key);
    const usable = idle.filter((held) => !fresh && held.alive);
    for (const held of idle) if (!usable.includes(held)) held.destroy();
    const held = usable.pop();
    if (usable.length > 0) this.#idle.set(key, usable);
    if (held) return held.again();
    await this.#gone(key);
    const opened = await this.#open({ route, timeout, signal });
    if (this.#closed) {
      opened.socket.destroy();
      throw new Closed('the client is closed');
    }
    return this.#hold(key, route, opened);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const held of this.#all) held.destroy();
    await Promise.all([...this.#all].map((held) => held.gone));
  }

  #hold(key: string, route: Route, opened: OpenConnection): Held {
    const held = new Held(key, route, opened, () => {
      if (!held.alive || this.#closed) return held.destroy();
      this.#idle.set(key, [...(this.#idle.get(key) ?? []), held]);
    });
    this.#all.add(held);
    held.gone.then(() => {
      this.#all.delete(held);
      const others = (this.#idle.get(key) ?? []).filter((other) => other !== held);
      if (others.length > 0) this.#idle.set(key, others);
      else this.#idle.delete(key);
    });
    return held;
  }

  /** A server must not see one connection more than it should because we have not yet closed another one. */
  async #gone(key: string): Promise<void> {
    await Promise.all(
      [...this.#all].filter((held) => held.key === key && held.closing).map((held) => held.gone),
    );
  }
}

class Held implements Connection {
  reused = false;
  closing = false;
  readonly gone: Promise<void>;
  readonly #client: Client;
  readonly #socket: Socket;
  readonly #lends: boolean;

  constructor(
    readonly key: string,
    { target }: Route,
    { socket, lends }: OpenConnection,
    readonly release: () => void,
  ) {
    this.#socket = socket;
    this.#lends = lends;
    this.gone = new Promise((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve())));
    let handedOut = false;
    this.#client = new Client(target.origin, {
      // In a microtask, for undici does not look again at what is queued after an answer on the spot.
      connect: (_, callback) =>
        queueMicrotask(() => {
          if (handedOut) return callback(new Closed('the connection was closed'), null);
          handedOut = true;
          callback(null, socket);
        }),
      // The deadlines are ours: to the headers in http.ts, of the body in body.ts.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: KEPT,
    });
    this.#client.on('connectionError', () => this.destroy());
    this.#client.on('disconnect', () => this.destroy());
  }

  get alive(): boolean {
    return !this.closing && !this.#socket.destroyed && this.#socket.readable && this.#socket.writable;
  }

  again(): this {
    this.reused = true;
    return this;
  }

  /** Past undici's streams, which would cost more for each chunk than all that is done with it. */
  send(request: Dispatcher.DispatchOptions): Promise<Answer> {
    return new Promise((resolve, reject) => {
      let body: Arrivals | undefined;
      this.#client.dispatch(request, {
        onRequestStart: () => {},
        onResponseStart: (controller, status, headers) => {
          if (status < 200) return; // the reply itself is still to come (RFC 9110, 15.2)
          body = new Arrivals(controller, this.#lends);
          resolve({ status, headers, body });
        },
        onResponseData: (_, chunk) => body!.put(chunk),
        onResponseEnd: () => body!.end('well'),
        onResponseError: (_, error) => (body ? body.end({ error }) : reject(error)),
      });
    });
  }

  destroy(): void {
    if (this.closing) return;
    this.closing = true;
    this.#client.destroy().catch(() => {});
    this.#socket.destroy();
  }
}

function keyOf({ target, proxy }: Route): string {
  return `${proxy?.url.href ?? ''} ${target.origin}`;
}
