/** How a request can fail, as data: what it means for the source, what a person is told, what can be done; and which failure a status is. */
import { printable, USER_AGENT } from '../core/index.js';

/**
 * - `passing`: the network or the server stumbled (reset, stall, 5xx, a reply that ends early): try again soon.
 * - `busy`: the server asked for a pause (429, 503): try again when it says.
 * - `refused`: the server answers, but not with the file (403, quota page, an HTML page): try once or twice more.
 * - `wrong`: this source cannot serve this file (404, another size, a bad certificate): never try again.
 */
export type FailureKind = 'passing' | 'busy' | 'refused' | 'wrong';

export interface FailureDetails {
  /** How long the server asked to wait (ms). */
  readonly retryAfter?: number;
  /** The whole host is concerned, not just the file that was asked for. */
  readonly wholeHost?: boolean;
  /** `host:port` of the proxy that failed; undefined where the source itself failed. */
  readonly proxy?: string;
  /** The source is in order and has no file of this name. */
  readonly missing?: boolean;
  /** The host has sent this file as often as it does in a day. */
  readonly quota?: boolean;
  /** The HTTP status of the reply, where that is the failure. */
  readonly status?: number;
  /** What can be done about it. */
  readonly hint?: string;
  readonly cause?: unknown;
}

export class SourceFailure extends Error implements FailureDetails {
  override readonly name = 'SourceFailure';
  readonly retryAfter?: number;
  readonly wholeHost: boolean;
  readonly proxy?: string;
  readonly missing: boolean;
  readonly quota: boolean;
  readonly status?: number;
  readonly hint?: string;

  constructor(
    readonly kind: FailureKind,
    message: string,
    { cause, ...details }: FailureDetails = {},
  ) {
    super(printable(message, 400), cause === undefined ? undefined : { cause });
    this.retryAfter = details.retryAfter;
    this.wholeHost = details.wholeHost ?? false;
    this.proxy = details.proxy;
    this.missing = details.missing ?? false;
    this.quota = details.quota ?? false;
    this.status = details.status;
    this.hint = details.hint === undefined ? undefined : printable(details.hint, 400);
  }
}

/** The beginning of a reply. */
export interface ReplyHead {
  /** Where the redirects ended. */
  readonly url: URL;
  readonly status: number;
  /** Lower-case names; of a repeated header the first value. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** `host:port` of the proxy that the reply came through. */
  readonly proxy: string | undefined;
}

/**
 * The failure for each status but 200 and 206.
 * @param page the beginning of the body
 */
export function statusFailure(reply: ReplyHead, page = '', now: number = Date.now()): SourceFailure {
  const { url, status, proxy } = reply;
  const through = proxy === undefined ? '' : ` (through the proxy ${proxy})`;
  const answer = `${url.host}${through} answered ${status}`;
  switch (status) {
    case 429:
    case 503:
      return new SourceFailure('busy', `${answer} (too busy${summarizePage(page)})`, {
        retryAfter: parseRetryAfter(reply.headers, now),
        wholeHost: true,
        status,
      });
    case 401: {
      const ofProxy =
        proxy === undefined ? '' : "; if it is the proxy that asks, check those in the proxy's URL";
      return new SourceFailure('wrong', `${answer} (it asks for a user name and password, or a token)`, {
        wholeHost: true,
        status,
        hint: `user name and password go into the URL of the source, as in https://USER:PASSWORD@host/path${ofProxy}`,
      });
    }
    case 403: {
      // Zenodo blocks networks for a time (https://github.com/oschwengers/bakta/issues/419).
      const retryAfter = reply.headers['retry-after'] && parseRetryAfter(reply.headers, now);
      const message = `${answer} (refused${summarizePage(page)})`;
      if (!retryAfter) return new SourceFailure('refused', message, { status, hint: HOW_TO_BE_LET_IN });
      return new SourceFailure('busy', message, {
        status,
        hint: HOW_TO_BE_LET_IN,
        retryAfter,
        wholeHost: true,
      });
    }
    case 404:
    case 410:
      return new SourceFailure('wrong', `${answer} (it has no such file)`, { missing: true, status });
    default: {
      const passing = status >= 500 || status === 408 || status === 425;
      return new SourceFailure(passing ? 'passing' : 'wrong', answer, { status });
    }
  }
}

const HOW_TO_BE_LET_IN =
  'where the host blocks this network or its User-Agent: try from another network, send a token (ZENODO_TOKEN), or ask ' +
  `the host, with the reference above (the User-Agent is ${USER_AGENT}); in CI, keep the data in a cache`;

const MAX_SUMMARY = 200;

/** Title, first paragraph and reference number of a page in place of a file, whatever type it claims: `, "Title"`. */
function summarizePage(html: string): string {
  const title = textOf(/<title\b[^>]{0,200}>([^<]{1,1000})/i.exec(html)?.[1]);
  const paragraph = textOf(/<p\b[^>]{0,200}>([\s\S]{1,1000}?)<\/p>/i.exec(html)?.[1]);
  const said = [title, paragraph].filter(Boolean).join(': ').slice(0, MAX_SUMMARY);
  const reference = textOf(html)
    .match(
      /\b(?:reference|incident|support|request|ray|event)\b[\s:#]{0,3}(?:id|no|number)?[\s:#.]{0,3}[\w.-]{6,64}/gi,
    )
    ?.find((match) => /\d/.test(match));
  return `${said && `, "${said}"`}${reference ? `, ${reference}` : ''}`;
}

/** The text of a piece of HTML. */
function textOf(html = ''): string {
  const text = html.replaceAll(/<[^<>]*>/g, ' ');
  return text
    .replaceAll('&amp;', '&')
    .replaceAll(/&(#39|apos);/g, "'")
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/**
 * `Retry-After` (RFC 9110, 10.2.3): seconds or an HTTP date; else GitHub's and Zenodo's `X-RateLimit-Reset`, in
 * epoch seconds. Zenodo sends both with good replies too, where they mean nothing.
 * @param ours the time by our clock (ms), for replies without a `Date`
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
  return rateLimitReset(headers, ours);
}

/** ms until `X-RateLimit-Reset`; undefined where there is none. */
function rateLimitReset(headers: ReplyHead['headers'], ours: number): number | undefined {
  const now = Date.parse(headers.date ?? '') || ours;
  const reset = headers['x-ratelimit-reset']?.trim();
  return reset !== undefined && /^\d{1,12}$/.test(reset)
    ? Math.max(0, Number(reset) * 1000 - now)
    : undefined;
}

/** Longest pause before a host has asked for one: its next answer says more. */
const MAX_EARLY_PAUSE = 60_000;

/** ms to ask a host nothing, as its reply says that no request is left (`X-RateLimit-Remaining: 0`); 0: go on. */
export function earlyPause(headers: ReplyHead['headers'], ours: number = Date.now()): number {
  if (headers['x-ratelimit-remaining']?.trim() !== '0') return 0;
  return Math.min(rateLimitReset(headers, ours) ?? 0, MAX_EARLY_PAUSE);
}
