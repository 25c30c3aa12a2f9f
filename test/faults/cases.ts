/**
 * The table of faults and what must come of each.
 *
 * With a second, healthy source every one of them ends well. With one source, `once` and `always` say what must
 * come of a fault that is there at the first try alone, and of one that stays.
 */
import type { ErrorCode } from '#pcam/core/errors.js';
import type { Fault } from '../support/fault-server.js';

export type Outcome = 'done' | { code: ErrorCode; reason: RegExp };

/** Places that lead nowhere good, for redirects. */
export interface Places {
  readonly refusedPort: number;
  readonly untrustedUrl: string;
  readonly healthyUrl: string;
}

export interface Case {
  readonly name: string;
  /** @default 'http' */
  readonly type?: 'http' | 'google-drive' | 'zenodo';
  readonly fault: (places: Places) => Fault;
  /** The faulty source speaks https, with a certificate that is trusted. */
  readonly tls?: true;
  /** The manifest does not say how large the file is. */
  readonly sizeUnknown?: true;
  /** Bytes a second that the faulty source sends. @default no limit */
  readonly rate?: number;
  /** How long a source may be silent (ms). @default 10 s, which a healthy one keeps on a busy machine */
  readonly deadline?: number;
  readonly once: Outcome;
  readonly always: Outcome;
}

const MANY = 300_000;
/** For faults that show only when a deadline is over. */
const SOON = { deadline: 1000 };
const noSource = (reason: RegExp): Outcome => ({ code: 'NO_SOURCE', reason });

interface Row extends Omit<Case, 'fault'> {
  fault: Fault | ((places: Places) => Fault);
}

/** Once it is over in a moment; for good, nothing can be done. */
const passing = (name: string, fault: Row['fault'], reason: RegExp, more: Partial<Case> = {}): Row => ({
  name,
  fault,
  once: 'done',
  always: noSource(reason),
  ...more,
});

/** Nothing that a second try would mend: the source is out at once. */
const wrong = (name: string, fault: Row['fault'], reason: RegExp, more: Partial<Case> = {}): Row => ({
  name,
  fault,
  once: noSource(reason),
  always: noSource(reason),
  ...more,
});

/** Bytes come, if in small pieces: slower, but done. */
const harmless = (name: string, fault: Row['fault'], more: Partial<Case> = {}): Row => ({
  name,
  fault,
  once: 'done',
  always: 'done',
  ...more,
});

const BODIES: Row[] = [
  harmless('reset in the middle of a body', { after: MANY, ending: 'reset' }),
  harmless('clean close in the middle of a body', { after: MANY, ending: 'close' }),
  harmless('stall in the middle of a body', { after: MANY, ending: 'stall' }, SOON),
  harmless('proper end of a body, too early', { unsized: 'chunked', after: MANY, ending: 'end' }),
  passing('reset after 1 kB', { after: 1000, ending: 'reset' }, /closed|reset/),
  passing('clean close after 1 kB', { after: 1000, ending: 'close' }, /closed/),
  passing('stall before the body', { after: 0, ending: 'stall' }, /stalled: under 1 kB in 1 s/, SOON),
  passing(
    'proper end after 1 kB',
    { unsized: 'chunked', after: 1000, ending: 'end' },
    /ended at byte \d+ of \d+/,
  ),
  passing('reset before a reply', { refuse: 'reset' }, /closed|reset/),
  passing('no reply', { silent: true }, /sent no reply within 1 s/, SOON),
  passing('a trickle of 500 bytes a second', { trickle: 500 }, /stalled: under 1 kB/, SOON),
  harmless('a trickle of 4 MB a second', { trickle: 4_000_000 }),
  {
    name: 'a flipped byte',
    fault: { flip: 0 },
    once: 'done',
    always: { code: 'DIGEST_MISMATCH', reason: /MD5 expected/ },
  },
];

const RANGES: Row[] = [
  passing(
    'another range',
    { headers: { 'content-range': 'bytes 17-1016/3145728' } },
    /answered with Content-Range bytes 17-/,
  ),
  passing(
    'Content-Range that is none',
    { headers: { 'content-range': 'bytes=0-1' } },
    /Content-Range bytes=0-1/,
  ),
  passing('206 without Content-Range', { headers: { 'content-range': undefined } }, /Content-Range none/),
  harmless('200 and the whole file', { wholeFile: true }),
  harmless('the whole file with no length, in chunks', { wholeFile: true, unsized: 'chunked' }),
  harmless('the whole file with no length, to the end of the connection', {
    wholeFile: true,
    unsized: 'close',
  }),
  harmless('no Content-Length: chunks', { unsized: 'chunked' }),
  harmless('no Content-Length: the end of the connection', { unsized: 'close' }),
  harmless('no Content-Length, and size unknown', { unsized: 'close' }, { sizeUnknown: true }),
  wrong('another size', { size: 3_145_729 }, /its copy has 3145729 bytes, the manifest says 3145728/),
  // So slow that the other requests begin before the first answer has brought the whole file by itself.
  passing('another ETag', { headers: { etag: '"other"' } }, /keeps changing/, { rate: 2_000_000 }),
];

const REFUSALS: Row[] = [
  passing('an HTML page with 200', { page: 'html' }, /sent an HTML page/),
  passing(
    'an HTML page from Google Drive',
    { page: 'html' },
    /sent a page in place of the file: Please log in/,
    {
      type: 'google-drive',
    },
  ),
  passing('a quota page from Google Drive', { page: 'quota' }, /quota for this file is used up/, {
    type: 'google-drive',
  }),
  passing(
    'no Content-Disposition from Google Drive',
    { headers: { 'content-disposition': undefined } },
    /without Content-Disposition/,
    { type: 'google-drive' },
  ),
  passing('403', { status: 403 }, /answered 403/),
  wrong('404', { status: 404 }, /answered 404/),
  wrong('410', { status: 410 }, /answered 410/),
  wrong('400', { status: 400 }, /answered 400/),
  passing('416', { status: 416 }, /answered 416/),
  passing('429 with Retry-After in seconds', { status: 429, headers: { 'retry-after': '1' } }, /429/, {
    type: 'zenodo',
  }),
  passing(
    '429 with Retry-After as a date',
    () => ({ status: 429, headers: { 'retry-after': new Date(Date.now() + 1000).toUTCString() } }),
    /429/,
    { type: 'zenodo' },
  ),
  wrong(
    '429 with an absurd Retry-After',
    { status: 429, headers: { 'retry-after': '999999999' } },
    /asks to wait 277777 h 46 min .*429/,
    { type: 'zenodo' },
  ),
  wrong(
    '429 with a Retry-After in the far future',
    { status: 429, headers: { 'retry-after': 'Fri, 01 Jan 2100 00:00:00 GMT' } },
    /asks to wait \d+ h .*429/,
  ),
  passing('429 without Retry-After', { status: 429 }, /429/),
  passing('429 with a Retry-After that is none', { status: 429, headers: { 'retry-after': 'soon' } }, /429/),
  ...[500, 502, 503, 504].map((status) => passing(`${status}`, { status }, new RegExp(`answered ${status}`))),
];

const PLACES: Row[] = [
  wrong('a redirect loop', { redirect: '/loop' }, /redirects more than 10 times/),
  wrong('a redirect to file:', { redirect: 'file:///etc/passwd' }, /redirects to a file: URL; not followed/),
  wrong('a redirect to nowhere', { redirect: 'http://[' }, /which is not a URL/),
  wrong(
    'a redirect from https to http',
    ({ healthyUrl }) => ({ redirect: `${healthyUrl}/camelyonpatch_level_2_split_valid_x.h5` }),
    /redirects from https to http/,
    { tls: true },
  ),
  harmless('a redirect to another host', ({ healthyUrl }) => ({
    redirect: `${healthyUrl.replace('127.0.0.1', 'localhost')}/camelyonpatch_level_2_split_valid_x.h5`,
  })),
  passing(
    'a host name that does not resolve',
    { redirect: 'http://pcam.invalid/x' },
    /does not resolve|timed out/,
  ),
  passing(
    'a refused port',
    ({ refusedPort }) => ({ redirect: `http://127.0.0.1:${refusedPort}/` }),
    /refused the connection/,
  ),
  wrong(
    'a TLS certificate that is not trusted',
    ({ untrustedUrl }) => ({ redirect: `${untrustedUrl}/x` }),
    /TLS certificate of .* is not trusted/,
  ),
];

export const CASES: readonly Case[] = [...BODIES, ...RANGES, ...REFUSALS, ...PLACES].map((row) => ({
  ...row,
  fault: (places) => (typeof row.fault === 'function' ? row.fault(places) : row.fault),
}));
