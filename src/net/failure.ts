/** How a request can fail, as data: what it means for the source, what a person is told, and what can be done. */
import { memoryError, type PcamError, printable, systemCode, USER_AGENT } from '../core/index.js';
import type { Route } from './proxy.js';

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

/** The steps of a request, in their order. */
export type Step = 'lookup' | 'connect' | 'proxy-tls' | 'tunnel' | 'tls' | 'reply' | 'body';

/** Predicates for a step that took too long and for a connection that broke in it, as in '<host> sent no reply within'. */
const STEPS: Record<Step, { timeout: string; broke: string }> = {
  lookup: { timeout: 'could not be resolved within', broke: '' },
  connect: { timeout: 'did not accept a connection within', broke: '' },
  'proxy-tls': {
    timeout: 'did not complete the TLS handshake within',
    broke: ' during the TLS handshake',
  },
  tunnel: {
    timeout: 'did not open a tunnel to {target} within',
    broke: ' when asked for a tunnel to {target}',
  },
  tls: { timeout: 'did not complete the TLS handshake within', broke: ' during the TLS handshake' },
  reply: { timeout: 'sent no reply within', broke: ' before it sent a reply' },
  body: { timeout: 'stalled: under 1 kB in', broke: ' in the middle of a reply' },
};

/** A step took longer than its timeout (ms). */
export class StepTimeout extends Error {
  constructor(readonly ms: number) {
    super(`no progress for ${ms} ms`);
  }
}

/** The other side closed a connection in good order, which is not an error of the socket. */
export class ConnectionClosed extends Error {
  readonly code = 'CLOSED';
}

/** The errors of a connection that broke: only these say in which step. */
const BROKEN: Record<string, string> = {
  ECONNRESET: 'reset the connection',
  CLOSED: 'closed the connection',
  EPIPE: 'closed the connection',
  UND_ERR_SOCKET: 'closed the connection',
  ETIMEDOUT: 'did not answer: the connection timed out',
};

/** Predicate per error code, as in '<host> refused the connection'. */
const ERROR_TEXT: Record<string, string> = {
  ENOTFOUND: 'cannot be found: its name does not resolve',
  EAI_AGAIN: 'cannot be found at the moment: its name does not resolve',
  ECONNREFUSED: 'refused the connection',
  ENETUNREACH: 'cannot be reached from this network',
  EHOSTUNREACH: 'cannot be reached from this network',
  ENETDOWN: 'cannot be reached: the network is down',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'sent a reply that is not as long as announced',
  UND_ERR_HEADERS_OVERFLOW: 'sent too many headers',
};

export function isConnectionClosed(error: unknown): boolean {
  return ['CLOSED', 'ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(systemCode(error));
}

export interface FailureContext {
  /** The host has answered other requests. */
  readonly answered?: boolean;
  /** Which certificates are trusted. */
  readonly trust?: string;
}

/** The failure for an error of the network. */
export function networkFailure(
  error: unknown,
  step: Step,
  route: Route,
  { answered = false, trust }: FailureContext = {},
): SourceFailure | PcamError {
  if (error instanceof SourceFailure) return error;
  // undici's HTTP parser is WebAssembly: it lacks memory on this machine, and no other source would help.
  const memory = error instanceof RangeError ? memoryError(error) : undefined;
  if (memory) return memory;
  // When several addresses were tried, Node's error carries the code of the first one.
  const code = systemCode(error) || systemCode((error as { cause?: unknown } | null)?.cause);
  const { proxy, target } = route;
  // The proxy answers up to the tunnel, and what breaks inside a tunnel is mostly its doing as well.
  const behind = step === 'tls' || step === 'reply' || step === 'body';
  const host =
    proxy === undefined
      ? target.host
      : behind
        ? `${target.host} (through the proxy ${proxy.name})`
        : `the proxy ${proxy.name}`;
  if (step === 'tls' || step === 'proxy-tls') {
    const failure = tlsFailure(error, code, { host, proxy: step === 'tls' ? undefined : proxy?.name, trust });
    if (failure) return failure;
  }
  // Until a request is sent it makes no difference which file it is for; nor does it for a host that never answered.
  const wholeHost = step !== 'body' && (step !== 'reply' || !answered);
  const text = describe(error, code, step).replace('{target}', target.host);
  return new SourceFailure('passing', `${host} ${text}`, { wholeHost, proxy: proxy?.name, cause: error });
}

function describe(error: unknown, code: string, step: Step): string {
  if (error instanceof StepTimeout) return `${STEPS[step].timeout} ${error.ms / 1000} s`;
  if (BROKEN[code] !== undefined) return `${BROKEN[code]}${STEPS[step].broke}`;
  if (ERROR_TEXT[code] !== undefined) return ERROR_TEXT[code];
  if (/^HPE_/.test(code)) return `sent something that is not HTTP (${code})`;
  return `failed: ${printable(error instanceof Error ? error.message : String(error), 200)}`;
}

const NO_TLS =
  /^(EPROTO|ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|UNEXPECTED_MESSAGE))$/;
const UNTRUSTED = /^(DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|CERT_UNTRUSTED|INVALID_CA|CERT_CHAIN)/;
const CERTIFICATE = /^(CERT_|CRL_|ERR_TLS_|ERR_SSL_|HOSTNAME_MISMATCH|ERR_OSSL_)/;

/** The certificate of the other side is not signed by an authority that is trusted. */
export function isUntrusted(error: unknown): boolean {
  return UNTRUSTED.test(systemCode(error));
}

const HOW_TO_TRUST =
  "if this network inspects TLS, or the host uses its organisation's own certificates: put that authority's " +
  'certificate (PEM) into a file and set NODE_EXTRA_CA_CERTS (or SSL_CERT_FILE) to its path';

/** A certificate is not in order half a minute later either, so none of these is tried again. */
function tlsFailure(
  error: unknown,
  code: string,
  { host, proxy, trust }: { host: string; proxy?: string; trust?: string },
): SourceFailure | undefined {
  const wrong = (message: string, hint?: string) =>
    new SourceFailure('wrong', `${message} (${code})`, { wholeHost: true, proxy, hint, cause: error });
  const certificate = `the TLS certificate of ${host}`;
  if (NO_TLS.test(code)) {
    return wrong(`${host} does not speak TLS on that port`, 'is it http:// rather than https://?');
  }
  if (code === 'CERT_HAS_EXPIRED') {
    return wrong(`${certificate} has expired`, 'check the clock of this machine');
  }
  if (code === 'CERT_NOT_YET_VALID') {
    return wrong(`${certificate} is not valid yet`, 'check the clock of this machine');
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code === 'HOSTNAME_MISMATCH') {
    const names = (error as { cert?: { subjectaltname?: string } }).cert?.subjectaltname;
    const others = names ? `, only for ${printable(names.replaceAll('DNS:', ''), 100)}` : '';
    return wrong(`${certificate} is not valid for that host${others}`);
  }
  if (UNTRUSTED.test(code))
    return wrong(`${certificate} is not trusted`, `${HOW_TO_TRUST}; trusted are ${trust}`);
  if (CERTIFICATE.test(code)) return wrong(`no secure connection to ${host} is possible`);
  return undefined;
}

/** The failure for a proxy's own answer, to CONNECT or in place of the server's reply. */
export function proxyRefusal(status: number, { target, proxy }: Route): SourceFailure {
  const name = proxy?.name ?? '';
  const details = { wholeHost: true, proxy: name };
  // Tinyproxy answers wrong credentials with 401.
  if (status !== 407 && status !== 401) {
    const kind = status === 429 || status === 503 ? 'busy' : status >= 500 ? 'passing' : 'refused';
    const message = `the proxy ${name} refused a connection to ${target.host} (${status})`;
    return new SourceFailure(kind, message, details);
  }
  if (proxy?.authorization === undefined) {
    return new SourceFailure('wrong', `the proxy ${name} asks for a user name and password (${status})`, {
      ...details,
      hint: `give them in the proxy's URL, as in http://USER:PASSWORD@${name}`,
    });
  }
  return new SourceFailure(
    'wrong',
    `the proxy ${name} does not accept the user name and password (${status})`,
    {
      ...details,
      hint: "check them in the proxy's URL; characters such as @ and : are written as %40 and %3A",
    },
  );
}
