/** One ranged request (RFC 9110, 14): what is accepted as the bytes that were asked for, and what is not. */
import type { ByteRange } from '../core/index.js';
import { SourceFailure, statusFailure } from './failure.js';
import type { Credentials, HttpClient, HttpReply } from './http.js';

/** The bytes that are asked for. */
export interface RangeRequest extends ByteRange {
  /**
   * Strong validator of the copy that the bytes must belong to. A server whose copy is another one answers with all of
   * that (If-Range, RFC 9110, 13.1.5), so that bytes of two versions never mix.
   */
  readonly validator?: string;
}

/** The reply of a source: bytes from `start` on. */
export interface RangeReply {
  /** Where the body begins: the start that was asked for, or 0 when the server does not do ranges. */
  readonly start: number;
  /** True for 206; false when the whole file comes, whatever was asked for. */
  readonly ranged: boolean;
  /** Where the body ends, as far as the reply says; a server may send less than it was asked for. */
  readonly end: number | undefined;
  /** Size of the whole file, where the reply gives it. */
  readonly total: number | undefined;
  /** Strong ETag or Last-Modified, in the form that If-Range takes: changes when the file on the server does. */
  readonly validator: string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
  discard(): void;
}

/** @throws SourceFailure for every reply that is not the file */
export async function requestRange({
  client,
  url,
  range,
  size,
  ...options
}: {
  client: HttpClient;
  url: string | URL;
  range: RangeRequest;
  /** Of the whole file, where it is known. */
  size: number | undefined;
  credentials?: Credentials;
  signal: AbortSignal;
}): Promise<RangeReply> {
  return acceptRange(await client.fetch(url, { headers: rangeHeaders(range), ...options }), range, size);
}

export function rangeHeaders({ start, end, validator }: RangeRequest): Record<string, string> {
  const range = `bytes=${start}-${Number.isFinite(end) ? end - 1 : ''}`;
  // A validator may come out of a journal that was tampered with; it must not become a header that cannot be sent.
  return validator !== undefined && /^[\x20-\x7e]{1,1000}$/.test(validator)
    ? { range, 'if-range': validator }
    : { range };
}

/**
 * Checks status, type and Content-Range before a byte is kept; discards the reply when it is refused.
 * @param size of the whole file, where it is known
 * @throws SourceFailure
 */
export async function acceptRange(reply: HttpReply, range: ByteRange, size?: number): Promise<RangeReply> {
  try {
    if (reply.status === 416) throw outside(reply, range);
    if (reply.status !== 200 && reply.status !== 206) throw statusFailure(reply, await readErrorPage(reply));
    return accept(reply, range, size);
  } catch (error) {
    reply.discard();
    throw error;
  }
}

const MAX_ERROR_PAGE = 16 * 1024;
/** A page that only explains a refusal is not waited for (ms). */
const ERROR_PAGE_TIMEOUT = 3000;

function readErrorPage(reply: HttpReply): Promise<string> {
  return reply.text(MAX_ERROR_PAGE, ERROR_PAGE_TIMEOUT).catch((error) => {
    if (error instanceof SourceFailure) return '';
    throw error;
  });
}

function accept(reply: HttpReply, range: ByteRange, size: number | undefined): RangeReply {
  const { url, status, headers } = reply;
  if (isHtml(reply)) {
    throw new SourceFailure(
      'refused',
      `${url.host} sent an HTML page (status ${status}) in place of the file`,
    );
  }
  const common = { validator: validatorOf(headers), body: reply.body, discard: reply.discard };
  if (status === 200) {
    const length = headers['content-length'];
    const total = length !== undefined && /^\d{1,16}$/.test(length) ? Number(length) : undefined;
    requireUncoded(reply, total, size);
    return { start: 0, ranged: false, end: total, total, ...common };
  }
  const content = parseContentRange(headers['content-range']);
  if (!content || content.start !== range.start || content.end > range.end) {
    const found = headers['content-range'] ?? 'none';
    throw new SourceFailure(
      'passing',
      `${url.host} was asked for bytes ${range.start}- and answered with Content-Range ${found}`,
    );
  }
  requireUncoded(reply, content.total, size);
  return { start: content.start, ranged: true, end: content.end, total: content.total, ...common };
}

/**
 * A server that compresses on the way sends other bytes than those of the file, and many times the traffic. Some only
 * label an archive with its own compression (Apache's `AddEncoding x-gzip .gz`): then the size is that of the file.
 */
function requireUncoded(
  { url, headers }: HttpReply,
  total: number | undefined,
  size: number | undefined,
): void {
  const coding = headers['content-encoding'];
  if (!coding || /^\s*identity\s*$/i.test(coding) || (total !== undefined && total === size)) return;
  throw new SourceFailure(
    'wrong',
    `${url.host} sends the file compressed once more (Content-Encoding: ${coding}), though it was asked not to`,
    { hint: 'turn compression off for these files at that server, or at the proxy on the way' },
  );
}

export function isHtml(reply: HttpReply): boolean {
  return /^\s*(text\/html|application\/xhtml)/i.test(reply.headers['content-type'] ?? '');
}

function outside(reply: HttpReply, range: ByteRange): SourceFailure {
  const size = /^bytes \*\/(\d+)$/.exec(reply.headers['content-range']?.trim() ?? '')?.[1];
  return new SourceFailure(
    'refused',
    `${reply.url.host} answered 416: it has no byte ${range.start}${size ? `, only ${size} bytes` : ''}`,
  );
}

/** `bytes 0-499/1234`, `bytes 0-499/*`; undefined for anything else. */
export function parseContentRange(
  header: string | undefined,
): { start: number; end: number; total: number | undefined } | undefined {
  const match = /^bytes\s+(\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/i.exec(header?.trim() ?? '');
  if (!match) return undefined;
  const start = Number(match[1]);
  const end = Number(match[2]) + 1;
  const total = match[3] === '*' ? undefined : Number(match[3]);
  if (end <= start || (total !== undefined && end > total)) return undefined;
  if (!Number.isSafeInteger(end) || !Number.isSafeInteger(total ?? 0)) return undefined;
  return { start, end, total };
}

/**
 * Weak ETags may differ between servers that hold the same bytes, so they are no sign of a change. Nor is a
 * Last-Modified of the very second of the reply: the file may have changed again since (RFC 9110, 8.8.2.2).
 */
function validatorOf(headers: HttpReply['headers']): string | undefined {
  const { etag, 'last-modified': modified } = headers;
  if (etag !== undefined) return etag.startsWith('"') ? etag : undefined;
  if (modified === undefined) return undefined;
  const answered = Date.parse(headers.date ?? '') || Date.now();
  return answered - Date.parse(modified) >= 1000 ? modified : undefined;
}
