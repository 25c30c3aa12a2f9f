/** The connections of a client, each kept for the next request. The only importer of undici. */
import type { Socket } from 'node:net';
import type { Client } from 'undici';
import { memoryError } from '../core/index.js';
import { type Attempt, type ConnectionOptions, Connector, end } from './connect.js';
import { ConnectionClosed } from './network-failure.js';
import type { Route } from './proxy.js';

/** Carries one request at a time. */
export interface Connection {
  readonly origin: string;
  readonly client: Client;
  /** Kept for the next request. */
  idle: boolean;
  /** It has carried a request before, so the server may have closed it meanwhile. */
  reused: boolean;
  /** Closes it, whatever is on the way: a request in progress fails with `error`. */
  destroy(error?: Error): Promise<void>;
}

/**
 * Each connection is an undici Client that connects once. undici's Agent and ProxyAgent would connect again for a
 * request that was aborted (https://github.com/nodejs/undici/issues/5845), go on connecting when a request is aborted
 * meanwhile (https://github.com/nodejs/undici/issues/386), and without end to a proxy that hangs up
 * (https://github.com/nodejs/undici/issues/3897).
 */
export class Connections {
  readonly #connector: Connector;
  readonly #open = new Set<Connection>();

  constructor(options: ConnectionOptions) {
    this.#connector = new Connector(options);
  }

  /** One that was kept, or a new one, which connects with its first request: that fails with a SourceFailure then. */
  async take(route: Route): Promise<Connection> {
    for (const connection of this.#open) {
      if (!connection.idle || connection.origin !== route.target.origin) continue;
      connection.idle = false;
      connection.reused = true;
      return connection;
    }
    return this.#create(route);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((connection) => connection.destroy()));
  }

  async #create(route: Route): Promise<Connection> {
    const { Client } = await loadUndici();
    const { origin } = route.target;
    const attempt: Attempt = { step: 'lookup' };
    let begun = false;
    const openOnce = async (): Promise<Socket> => {
      if (begun) throw new ConnectionClosed('the connection was closed');
      begun = true;
      return this.#connector.open(attempt, route);
    };
    const client = new Client(origin, {
      connect: (_, callback) => {
        openOnce().then(
          (socket) => callback(null, socket),
          (error) => callback(error, null),
        );
      },
      // The timeouts of a reply are in http.ts.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const connection: Connection = {
      origin,
      client,
      idle: false,
      reused: false,
      destroy: (error = new ConnectionClosed('the connection was closed')) => {
        this.#open.delete(connection);
        end(attempt, error);
        return client.destroy(error);
      },
    };
    client.once('disconnect', () => this.#open.delete(connection));
    this.#open.add(connection);
    return connection;
  }
}

/** The part that is used: the types of Node.js do not declare WebAssembly. */
declare const WebAssembly: { Memory: new (options: { initial: number }) => object };

/**
 * Takes a tenth of a second, so not before something is fetched.
 * @throws PcamError IO where the system refuses the memories of WebAssembly (`ulimit -v`): the copy of undici that is
 * part of Node, which undici touches while it loads, would end the process then
 */
async function loadUndici(): Promise<typeof import('undici')> {
  try {
    // One for each of the two copies. V8 frees both before it refuses others.
    for (let copy = 0; copy < 2; copy++) new WebAssembly.Memory({ initial: 1 });
  } catch (error) {
    throw memoryError(error) ?? error;
  }
  return import('undici');
}
