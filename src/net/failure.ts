/** How a request to a source can fail, what each kind of failure means for the source, and which one a status means. */
import { printable } from '../core/index.js';
import type { HttpReply } from './types.js';

/**
 * - `passing`: the network or the server stumbled (reset, stall, 5xx, a reply that ends early): try again soon.
 * - `busy`: the server asked for a pause (429, 503): try again when it says.
 * - `refused`: the server answers, but not with the file (403, quota page, an HTML page): try once or twice more.
 * - `wrong`: this source cannot serve this file (404, another size, a bad certificate): never try again.
 */
export type FailureKind = 'passing' | 'busy' | 'refused' | 'wrong';

export interface FailureOptions {
  retryAfter?: number;
  wholeHost?: boolean;
  proxy?: string;
  missing?: boolean;
  quota?: boolean;
  status?: number;
  hint?: string;
  cause?: unknown;
}

export class SourceFailure extends Error {
  readonly kind: FailureKind;
  /** How long the server asked for (ms). */
  readonly retryAfter?: number;
  /** The whole host is concerned, not just the file that was asked for. */
  readonly wholeHost: boolean;
  /** `host:port` of the proxy whose failure it is; undefined where the source itself failed. */
  readonly proxy?: string;
  /** The source is in order and has no file of this name. */
  readonly missing: boolean;
  /** The host has sent this file as often as it does in a day. */
  readonly quota: boolean;
  /** The HTTP status of the reply, where that is what the failure is. */
  readonly status?: number;
  /** What can be done about it. */
  readonly hint?: string;

  constructor(kind: FailureKind, message: string, options: FailureOptions = {}) {
    const {
      retryAfter,
      wholeHost = false,
      proxy,
      missing = false,
      quota = false,
      status,
      hint,
      cause,
    } = options;
    super(printable(message, 400), cause === undefined ? undefined : { cause });
    this.name = 'SourceFailure';
    this.kind = kind;
    this.retryAfter = retryAfter;
    this.wholeHost = wholeHost;
    this.proxy = proxy;
    this.missing = missing;
    this.quota = quota;
    this.status = status;
    this.hint = hint === undefined ? undefined : printable(hint, 400);
  }
}

/** For each status but 200 and 206. */
export function statusFailure(reply: HttpReply, now: number = Date.now()): SourceFailure {
  const through = reply.proxy === undefined ? '' : ` (through the proxy ${reply.proxy})`;
  const said = `${reply.url.host}${through} answered ${reply.status}`;
  const { status } = reply;
  switch (status) {
    case 429:
    case 503:
      return new SourceFailure('busy', `${said} (too busy)`, {
        retryAfter: parseRetryAfter(reply.headers, now),
        wholeHost: true,
        status,
      });
    case 401:
      return new SourceFailure('wrong', `${said} (it asks for a user name and password, or a token)`, {
        wholeHost: true,
        status,
        hint: `user name and password go into the URL of the source, as in https://USER:PASSWORD@host/path${
          reply.proxy === undefined ? '' : "; if it is the proxy that asks, check those in the proxy's URL"
        }`,
      });
    case 403:
      return new SourceFailure('refused', `${said} (refused)`, { status });
    case 408:
    case 425:
      return new SourceFailure('passing', said, { status });
    case 404:
    case 410:
      return new SourceFailure('wrong', `${said} (it has no such file)`, { missing: true, status });
    default:
      return new SourceFailure(status >= 500 ? 'passing' : 'wrong', said, { status });
  }
}

/**
 * `Retry-After` (RFC 9110, 10.2.3): seconds or an HTTP date; else GitHub's and Zenodo's `X-RateLimit-Reset`, in
 * epoch seconds. The caller asks on 429 and 503 alone: Zenodo sends the header with good replies too.
 * @param ours the time by our clock (ms), for replies that do not say it by theirs
 * @returns milliseconds from now, or undefined where there is no usable header
 */
export function parseRetryAfter(
  headers: Readonly<Record<string, string | undefined>>,
  ours: number,
): number | undefined {
  // The server counts by its own clock, and either clock can be wrong.
  const now = Date.parse(headers.date ?? '') || ours;
  const text = headers['retry-after']?.trim();
  if (text !== undefined && text !== '') {
    if (/^\d{1,15}(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
    // Each of the three forms of an HTTP date begins with the day's name; Date.parse would take '-5' for a year.
    const date = /^[a-z]{3}/i.test(text) ? Date.parse(text) : Number.NaN;
    if (!Number.isNaN(date)) return Math.max(0, date - now);
  }
  const reset = headers['x-ratelimit-reset']?.trim();
  if (reset !== undefined && /^\d{1,12}$/.test(reset)) return Math.max(0, Number(reset) * 1000 - now);
  return undefined;
}
