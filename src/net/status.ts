/** The failure that a status means, and when the server asks to retry. */
import { SourceFailure } from './failure.js';
import type { HttpReply } from './types.js';

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
 * @returns milliseconds from now, or undefined where there is no usable header
 */
export function parseRetryAfter(
  headers: Readonly<Record<string, string | undefined>>,
  now: number,
): number | undefined {
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
