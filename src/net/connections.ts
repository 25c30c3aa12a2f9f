/**
 * The connections of a client: each carries one request at a time and is opened for one, so that a connection that
 * cannot be made is one failure. (A dispatcher of undici connects again by itself for as long as a request is queued:
 * behind a proxy that hangs up, thousands of times a second.) The only importer of undici.
 */
import type { Socket } from 'node:net';
import { Client, type Dispatcher } from 'undici';
import { createOpener, type Opener } from './connect.js';
import { Closed, type Route } from './network-error.js';

/** How long a connection is kept for the next request (ms); servers close theirs after 5 s and more. */
const KEPT = 4000;

export interface Connection {
  /** It has carried a request before: the server may have closed it meanwhile. */
  readonly reused: boolean;
  send(request: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData>;
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
    const socket = await this.#open({ route, timeout, signal });
    if (this.#closed) {
      socket.destroy();
      throw new Closed('the client is closed');
    }
    return this.#hold(key, route, socket);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const held of this.#all) held.destroy();
    await Promise.all([...this.#all].map((held) => held.gone));
  }

  #hold(key: string, route: Route, socket: Socket): Held {
    const held = new Held(key, route, socket, () => {
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

  constructor(
    readonly key: string,
    { target }: Route,
    socket: Socket,
    readonly release: () => void,
  ) {
    this.#socket = socket;
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

  send(request: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData> {
    return this.#client.request(request);
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
