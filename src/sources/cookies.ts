/** Cookies on the way to a file (RFC 6265): those that servers set in this run, and those of a user's cookies.txt. */
import { isIP } from 'node:net';
import { PcamError } from '../core/index.js';
import type { Cookies } from '../net/index.js';

/** No site needs more on the way to a file. */
const MAX_COOKIES = 50;
const MAX_COOKIE_LENGTH = 4096;

export interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly domain: string;
  /** Only for this very host, not for those below it. */
  readonly hostOnly: boolean;
  readonly path: string;
  readonly secure: boolean;
}

export class CookieJar implements Cookies {
  /** By name, domain and path. */
  readonly #set = new Map<string, Cookie>();
  readonly #session: readonly Cookie[];

  /** @param session of the user: a server replaces them, but does not push them out */
  constructor(session: readonly Cookie[] = []) {
    this.#session = session;
  }

  store(url: URL, setCookies: readonly string[]): void {
    for (const line of setCookies.slice(0, MAX_COOKIES)) {
      const parsed = parseSetCookie(line, url);
      if (!parsed) continue;
      const { cookie, expired } = parsed;
      this.#set.delete(keyOf(cookie));
      if (!expired) this.#set.set(keyOf(cookie), cookie);
      const [oldest] = this.#set.keys();
      if (this.#set.size > MAX_COOKIES) this.#set.delete(oldest!);
    }
  }

  header(url: URL): string | undefined {
    const kept = this.#session.filter((cookie) => !this.#set.has(keyOf(cookie)));
    const matching = [...kept, ...this.#set.values()]
      .filter((cookie) => matches(cookie, url))
      .sort((a, b) => b.path.length - a.path.length);
    return matching.length === 0
      ? undefined
      : matching.map(({ name, value }) => `${name}=${value}`).join('; ');
  }
}

function keyOf({ name, domain, path }: Cookie): string {
  return JSON.stringify([name, domain, path]);
}

function parseSetCookie(line: string, url: URL) {
  const [[name, value] = ['', ''], ...rest] = line.split(';').map(splitPair);
  // It must be able to go back in a header.
  if (name === '' || line.length > MAX_COOKIE_LENGTH || !/^[\x20-\x7e]*$/.test(name + value))
    return undefined;
  const attributes = new Map(rest.map(([key, text]) => [key.toLowerCase(), text]));
  const named = attributes.get('domain')?.replace(/^\./, '').toLowerCase();
  const domain = named || url.hostname;
  // Nobody sets cookies for another site, or for a whole top-level domain.
  if (domain !== url.hostname && !(domain.includes('.') && isWithin(url.hostname, domain))) return undefined;
  const given = attributes.get('path');
  const path = given?.startsWith('/') ? given : url.pathname.replace(/\/[^/]*$/, '') || '/';
  const cookie: Cookie = { name, value, domain, hostOnly: !named, path, secure: attributes.has('secure') };
  return { cookie, expired: isExpired(attributes) };
}

function splitPair(text: string): [string, string] {
  const [name = '', ...value] = text.split('=');
  return [name.trim(), value.join('=').trim()];
}

/** Servers take a cookie back by letting it end in the past; when it ends later, this run is over. */
function isExpired(attributes: ReadonlyMap<string, string>): boolean {
  const age = attributes.get('max-age');
  if (age !== undefined && /^-?\d+$/.test(age)) return Number(age) <= 0;
  return Date.parse(attributes.get('expires') ?? '') < Date.now();
}

function matches({ domain, hostOnly, path, secure }: Cookie, url: URL): boolean {
  const host = hostOnly ? url.hostname === domain : isWithin(url.hostname, domain);
  const below = url.pathname === path || url.pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
  return host && below && (!secure || url.protocol === 'https:');
}

function isWithin(host: string, domain: string): boolean {
  return host === domain || (isIP(host) === 0 && host.endsWith(`.${domain}`));
}

/**
 * The cookies of a cookies.txt in Netscape's format (seven fields a line, separated by tabs), for https alone, without
 * those that have expired. Errors name the line, and never what is in it.
 * @throws PcamError USAGE
 */
export function parseCookiesFile(text: string, now: number = Date.now()): Cookie[] {
  const cookies: Cookie[] = [];
  for (const [i, raw] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    // Browsers mark a cookie that scripts cannot see so; every other # begins a comment.
    const line = raw.replace(/^#HttpOnly_/, '');
    if (line.trim() === '' || line.startsWith('#')) continue;
    const cookie = parseCookieLine(line, i + 1);
    if (cookie.expires === 0 || cookie.expires * 1000 > now) cookies.push(cookie);
  }
  return cookies;
}

function parseCookieLine(line: string, number: number): Cookie & { expires: number } {
  const bad = (problem: string) =>
    new PcamError(
      'USAGE',
      `the cookies for Google Drive are not in Netscape's format: line ${number} ${problem}`,
      {
        hint: 'export it again as cookies.txt, with a browser extension or with yt-dlp',
      },
    );
  const fields = line.split('\t');
  if (fields.length !== 7) throw bad(`has ${fields.length} fields separated by tabs, expected 7`);
  const [host = '', below = '', path = '', secure = '', expires = '', name = '', value = ''] = fields;
  const domain = host.replace(/^\./, '').toLowerCase();
  if (!/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(domain)) throw bad('has no domain in its first field');
  if (!/^(TRUE|FALSE)$/i.test(below) || !/^(TRUE|FALSE)$/i.test(secure)) {
    throw bad('has something other than TRUE or FALSE in its second or fourth field');
  }
  if (!path.startsWith('/')) throw bad('has no path in its third field');
  if (!/^-?\d{1,15}(\.\d+)?$/.test(expires)) throw bad('has no time in its fifth field');
  if (!/^[\x21-\x3a\x3c\x3e-\x7e]+$/.test(name) || !/^[\x20-\x3a\x3c-\x7e]*$/.test(value)) {
    throw bad('has a cookie that cannot be sent in a header');
  }
  // A whole top-level domain is not one that a cookie can be for.
  const hostOnly = !/^TRUE$/i.test(below) || !domain.includes('.');
  return { name, value, domain, hostOnly, path, secure: true, expires: Math.max(0, Number(expires)) };
}
