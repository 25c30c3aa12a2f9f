/** A plain file server on a free port of loopback, as strict or as lax as a test asks. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { onTestFinished } from 'vitest';
import { parseRange, serve } from '../../demo/serve.js';

export interface Seen {
  readonly path: string;
  readonly range: string | undefined;
  readonly headers: IncomingMessage['headers'];
}

export interface TestServer {
  readonly url: string;
  readonly port: number;
  readonly requests: Seen[];
  close(): Promise<void>;
}

export interface Tls {
  key: string;
  cert: string;
}

/** Starts a server that is gone when the test is over. */
export async function listen(listener: RequestListener, tls?: Tls): Promise<TestServer> {
  const requests: Seen[] = [];
  const answer: RequestListener = (request, response) => {
    requests.push({ path: request.url ?? '', range: request.headers.range, headers: request.headers });
    response.on('error', () => {});
    listener(request, response);
  };
  const server = await serve(answer, tls);
  onTestFinished(server.close);
  return { ...server, requests };
}

export interface SendOptions {
  /** Answers with the whole file whatever is asked. */
  noRange?: boolean;
  /** Sends no Content-Length (chunked). */
  noLength?: boolean;
  headers?: Record<string, string>;
}

/** Answers with bytes, or the range of them that was asked for. */
export function send(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Buffer,
  { noRange, noLength, headers = {} }: SendOptions = {},
): void {
  const range = noRange ? undefined : parseRange(request.headers.range);
  const start = range?.start ?? 0;
  const end = Math.min(range?.end ?? bytes.length, bytes.length);
  if (start >= bytes.length && range) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
    return;
  }
  const body = bytes.subarray(start, end);
  const all: Record<string, string> = { 'content-type': 'application/octet-stream', ...headers };
  if (range) all['content-range'] = `bytes ${start}-${end - 1}/${bytes.length}`;
  if (!noLength) all['content-length'] = String(body.length);
  response.writeHead(range ? 206 : 200, all);
  if (noLength) response.write(body.subarray(0, 1));
  response.end(noLength ? body.subarray(1) : body);
}

/** Serves the named bytes, by the last part of the path; 404 for all else. */
export function serveFiles(files: Record<string, Buffer>, options: SendOptions = {}): Promise<TestServer> {
  return listen((request, response) => {
    const bytes = files[lastPart(request)];
    if (bytes === undefined) response.writeHead(404).end();
    else send(request, response, bytes, options);
  });
}

export function lastPart(request: IncomingMessage): string {
  return decodeURIComponent(new URL(request.url ?? '', 'http://x').pathname.split('/').at(-1) ?? '');
}
