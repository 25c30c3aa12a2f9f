/** A server on a free port of loopback: what the demo's site and the servers of the tests have in common. */
import http from 'node:http';
import https from 'node:https';

/**
 * @param {import('node:http').RequestListener} listener
 * @param {{ key: string, cert: string }} [tls] https in place of http
 * @returns {Promise<{ url: string, port: number, close: () => Promise<void> }>} `close` cuts every connection
 */
export async function serve(listener, tls) {
  const server = tls ? https.createServer(tls, listener) : http.createServer(listener);
  server.keepAliveTimeout = 30_000;
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(undefined));
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const close = () =>
    new Promise((resolve) => {
      server.close(() => resolve(undefined));
      server.closeAllConnections();
    });
  return { url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`, port, close };
}

/**
 * The Range header of a request (RFC 9110, 14.2), one range from a start on.
 * @param {string | undefined} header
 * @returns {{ start: number, end: number } | undefined} half-open; `end` may be Infinity
 */
export function parseRange(header) {
  const match = /^bytes=(\d+)-(\d*)$/.exec(header ?? '');
  if (!match) return undefined;
  return { start: Number(match[1]), end: match[2] === '' ? Number.POSITIVE_INFINITY : Number(match[2]) + 1 };
}
