/** Follows redirects by our own rules, and sends no credentials to the target of a redirect. */

import { showUrl } from '../core/index.js';
import { SourceFailure } from './failure.js';
import type { HttpReply, OneRequest, RequestOptions } from './types.js';

const MOST_REDIRECTS = 10;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** The body of a redirect is read up to here, so that its connection can be used again. */
const MOST_READ = 16 * 1024;

export interface Following extends RequestOptions {
  readonly start: URL;
  readonly form?: string;
}

export async function follow(
  { start, headers = {}, credentials, cookies, form, signal }: Following,
  send: (request: OneRequest) => Promise<HttpReply>,
): Promise<HttpReply> {
  let url = withoutUser(start);
  let body = form;
  // Not given again once a redirect has led elsewhere, even if another one leads back.
  let trusted = credentials;
  for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
    if (trusted && url.origin !== trusted.origin) trusted = undefined;
    const own: Record<string, string> = { ...headers };
    if (trusted) own.authorization = trusted.authorization;
    const cookie = cookies?.header(url);
    if (cookie !== undefined) own.cookie = cookie;
    const reply = await send({ url, headers: own, form: body, signal });
    cookies?.store(url, reply.setCookies);
    const location = reply.headers.location;
    if (!REDIRECTS.has(reply.status) || location === undefined) return reply;
    await letGo(reply);
    url = redirectTarget(url, utf8(location));
    // As browsers do: only 307 and 308 ask for the same request again.
    if (reply.status < 307) body = undefined;
  }
  throw new SourceFailure('wrong', `${start.host} redirects more than ${MOST_REDIRECTS} times`);
}

async function letGo(reply: HttpReply): Promise<void> {
  const length = reply.headers['content-length'];
  if (length !== undefined && Number(length) <= MOST_READ) await reply.text(MOST_READ + 1).catch(() => {});
  reply.discard();
}

/** Header values come as Latin-1; servers that put a raw path into Location write UTF-8 (RFC 3987 readers expect it). */
function utf8(value: string): string {
  const bytes = Buffer.from(value, 'latin1');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return value;
  }
}

/** Never from https to http: the rest of the way could be read and changed on the network. Never to another scheme. */
function redirectTarget(from: URL, location: string): URL {
  if (!URL.canParse(location, from.href)) {
    throw new SourceFailure('wrong', `${from.host} redirects to ${showUrl(location)}, which is not a URL`);
  }
  const to = new URL(location, from);
  requireWeb(to, from, `${from.host} redirects`);
  return withoutUser(to);
}

/**
 * Where a reply leads must be http or https, and https where it came by https.
 * @param doing what leads there: `zenodo.org redirects`
 * @throws SourceFailure `wrong`
 */
export function requireWeb(to: URL, from: URL, doing: string): void {
  if (to.protocol !== 'https:' && to.protocol !== 'http:') {
    throw new SourceFailure('wrong', `${doing} to a ${to.protocol} URL; not followed`);
  }
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw new SourceFailure('wrong', `${doing} from https to http (${to.host}); not followed`);
  }
}

/** User and password in a URL are not sent by being there: a redirect could put them in. */
function withoutUser(url: URL): URL {
  const clean = new URL(url);
  clean.username = '';
  clean.password = '';
  clean.hash = '';
  return clean;
}
