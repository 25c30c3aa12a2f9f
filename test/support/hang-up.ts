/** A server, or a proxy, that hangs up or falls silent at a chosen moment of each connection, and counts them. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';
import { onTestFinished } from 'vitest';
import type { Tls } from './server.js';

/** What has just happened when the connection is given up. */
export const MOMENTS = {
  http: ['accepted', 'request', 'half of the headers', 'headers', 'first bytes'],
  https: [
    'accepted',
    'TLS hello',
    'TLS handshake',
    'request',
    'half of the headers',
    'headers',
    'first bytes',
  ],
  tunnel: ['accepted', 'CONNECT', 'half an answer to CONNECT', 'tunnel'],
} as const;
export type Moment = (typeof MOMENTS)[keyof typeof MOMENTS][number];

export const ENDINGS = ['end', 'reset', 'silence'] as const;
export type Ending = (typeof ENDINGS)[number];

export interface HangUp {
  readonly port: number;
  /** Connections that were opened. */
  readonly opened: number;
  /** Connections that are open now. */
  readonly open: number;
  /** A connection has come to the moment. */
  readonly reached: Promise<void>;
}

export interface HangUpOptions {
  at: Moment;
  ending: Ending;
  /** Speaks TLS, from the start or inside of the tunnel. */
  tls?: Tls;
  /** A proxy: expects CONNECT, and is the server behind it as well. */
  tunnel?: boolean;
}

export async function hangUp({ at, ending, tls, tunnel = false }: HangUpOptions): Promise<HangUp> {
  const sockets = new Set<Socket>();
  let opened = 0;
  let arrived = () => {};
  const reached = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  /** True when this was the moment. */
  const now = (moment: Moment, raw: Socket): boolean => {
    if (moment !== at) return false;
    arrived();
    if (ending === 'end') raw.end();
    if (ending === 'reset') raw.resetAndDestroy();
    return true;
  };
  const secure = tls && (await secureBackend(tls, (raw, stream) => serve(raw, stream, now), now));
  const server = createServer((raw) => {
    opened++;
    sockets.add(raw);
    raw.on('close', () => sockets.delete(raw)).on('error', () => {});
    if (now('accepted', raw)) return void raw.resume();
    const go = () => (secure ? secure.take(raw) : serve(raw, raw, now));
    if (!tunnel) return go();
    raw.once('data', () => {
      if (now('CONNECT', raw)) return;
      if (at === 'half an answer to CONNECT') {
        raw.write('HTTP/1.1 200 Conn');
        return now(at, raw);
      }
      raw.write('HTTP/1.1 200 Connection established\r\n\r\n', () => now('tunnel', raw) || go());
    });
  });
  const port = await listening(server, sockets);
  return {
    port,
    reached,
    get opened() {
      return opened;
    },
    get open() {
      return sockets.size;
    },
  };
}

type Now = (moment: Moment, raw: Socket) => boolean;

/** Reads a request and begins to answer it, up to the moment. */
function serve(raw: Socket, stream: Duplex, now: Now): void {
  stream.on('error', () => {});
  stream.once('data', async () => {
    const steps: [Moment, string][] = [
      ['request', ''],
      ['half of the headers', 'HTTP/1.1 206 Partial Con'],
      ['headers', 'tent\r\nContent-Range: bytes 0-99/100\r\nContent-Length: 100\r\n\r\n'],
      ['first bytes', '0123456789'],
    ];
    for (const [moment, text] of steps) {
      if (text !== '') await sent(stream, text);
      if (now(moment, raw)) return;
    }
  });
}

/** Until the bytes are past the TLS server and the raw connection before it. */
async function sent(stream: Duplex, text: string): Promise<void> {
  await new Promise((resolve) => stream.write(text, resolve));
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A TLS server behind the raw connections, so that those can be cut whatever TLS is doing. */
async function secureBackend(tls: Tls, onRequest: (raw: Socket, stream: Duplex) => void, now: Now) {
  const fronts = new Map<number, Socket>();
  const sockets = new Set<Socket>();
  const server = createTlsServer(tls, (stream) => {
    const raw = fronts.get(stream.remotePort ?? 0)!;
    stream.on('error', () => {});
    if (!now('TLS handshake', raw)) onRequest(raw, stream);
  });
  server.on('tlsClientError', () => {});
  const port = await listening(server, sockets);
  const take = (raw: Socket) => {
    raw.once('data', (hello) => {
      if (now('TLS hello', raw)) return void raw.resume();
      const up = connect(port, '127.0.0.1', () => {
        fronts.set(up.localPort!, raw);
        up.write(hello);
        up.pipe(raw, { end: false });
        raw.pipe(up);
      });
      up.on('error', () => {});
      raw.on('close', () => up.destroy());
    });
  };
  return { take };
}

async function listening(server: Server, sockets: Set<Socket>): Promise<number> {
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.setNoDelay(true); // what is written before the end has to arrive before it
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}
