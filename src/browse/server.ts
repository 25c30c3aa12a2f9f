/** The HTTP server of `browse`: on the loopback interface alone, behind a token, for GET and HEAD. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PcamError, systemCode } from '../core/index.js';

const LOOPBACK = '127.0.0.1';
/** Names under which a browser reaches a loopback server, through `ssh -L` too; any port. */
const ALLOWED_HOSTS = /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/i;
const MAX_URL_LENGTH = 4096;
const TOKEN_BYTES = 24;

/** Nothing from outside, no inline script, no frame around the page. */
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
};

export interface Reply {
  readonly type: string;
  readonly body: Uint8Array | string;
  /** The same for as long as the server runs, so that the browser may keep it. */
  readonly constant?: boolean;
}

/** Answers a path, its parts decoded; undefined where nothing has that name. */
export type Router = (path: readonly string[], query: URLSearchParams) => Promise<Reply | undefined>;

export interface RunningServer {
  /** The page with its token. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Listens until `close`.
 * @param options.port 0: a free one
 * @throws PcamError IO when the port is taken
 */
export async function startServer({
  port,
  router,
}: {
  port: number;
  router: Router;
}): Promise<RunningServer> {
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const server = createServer((request, response) => {
    const cookie = `pcam-${(server.address() as AddressInfo).port}`;
    answer({ request, token, cookie, router }, response).catch(() => {
      if (!response.headersSent) send(response, 500, 'this part of the page cannot be read');
      else response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, port)));
    server.listen(port, LOOPBACK, resolve);
  });
  const { port: actual } = server.address() as AddressInfo;
  return {
    url: `http://${LOOPBACK}:${actual}/?token=${token}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listenError(error: Error, port: number): PcamError {
  const code = systemCode(error);
  const reason = code === 'EADDRINUSE' ? 'it is in use by another program' : code;
  return new PcamError('IO', `cannot listen on port ${port} of ${LOOPBACK}: ${reason}`, {
    cause: error,
    hint: 'choose another port, or leave it out for a free one',
    options: ['port'],
  });
}

interface Asked {
  request: IncomingMessage;
  token: string;
  /** Name of the cookie; with the port, so that two servers do not take each other's. */
  cookie: string;
  router: Router;
}

async function answer({ request, token, cookie, router }: Asked, response: ServerResponse): Promise<void> {
  const { method = '', url = '/', headers } = request;
  if (!isAllowedHost(headers.host) || !isAllowedOrigin(headers.origin)) {
    return send(response, 403, 'this server answers requests for 127.0.0.1 and localhost only');
  }
  if (url.length > MAX_URL_LENGTH) return send(response, 414, 'the address is too long');
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const hasToken = isSame(searchParams.get('token'), token);
  if (!hasToken && !isSame(cookieOf(headers.cookie, cookie), token)) {
    return send(response, 403, 'open the address that `pcam browse` printed: it carries a token');
  }
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    return send(response, 405, 'only GET and HEAD');
  }
  if (hasToken) response.setHeader('Set-Cookie', `${cookie}=${token}; Path=/; HttpOnly; SameSite=Strict`);
  const path = decodePath(pathname);
  const reply = path && (await router(path, searchParams));
  if (!reply) return send(response, 404, 'there is nothing at this address');
  const body = typeof reply.body === 'string' ? Buffer.from(reply.body) : reply.body;
  response.writeHead(200, {
    ...HEADERS,
    'Content-Type': reply.type,
    'Content-Length': body.length,
    'Cache-Control': reply.constant ? 'private, max-age=86400, immutable' : 'no-store',
  });
  response.end(method === 'HEAD' ? undefined : body);
}

function send(response: ServerResponse, status: number, text: string): void {
  const body = Buffer.from(`${text}\n`);
  response.writeHead(status, {
    ...HEADERS,
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
  });
  response.end(body);
}

/** A page of another name that leads to this address (DNS rebinding) has another Host. */
function isAllowedHost(host: string | undefined): boolean {
  return host !== undefined && ALLOWED_HOSTS.test(host);
}

/** Scripts of other sites send their Origin; a navigation sends none. */
function isAllowedOrigin(origin: string | undefined): boolean {
  if (origin === undefined) return true;
  return URL.canParse(origin) && ALLOWED_HOSTS.test(new URL(origin).host);
}

function cookieOf(header: string | undefined, name: string): string | undefined {
  const pair = header?.split(';').find((one) => one.trim().startsWith(`${name}=`));
  return pair?.trim().slice(name.length + 1);
}

function isSame(given: string | null | undefined, token: string): boolean {
  if (!given || given.length !== token.length) return false;
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** The parts of a path; undefined where they cannot be decoded. */
function decodePath(pathname: string): string[] | undefined {
  try {
    return pathname.split('/').slice(1).map(decodeURIComponent);
  } catch {
    return undefined;
  }
}
