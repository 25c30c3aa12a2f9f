/** Cookies that a server sets on the way to a file and wants to see with the download (RFC 6265), for one run. */
import { isIP } from 'node:net';
import type { Cookies } from '../net/index.js';

/** No site needs more on the way to a file. */
const MAX_COOKIES = 50;
const MAX_COOKIE_LENGTH = 4096;

interface Cookie {
  /** `name=value`. */
  readonly pair: string;
  readonly domain: string;
  /** Only for the host that set it: it named no domain. */
  readonly hostOnly: boolean;
  readonly path: string;
  readonly secure: boolean;
}

export class CookieJar implements Cookies {
  /** By name, domain and path. */
  readonly #cookies = new Map<string, Cookie>();

  store(url: URL, setCookies: readonly string[]): void {
    for (const line of setCookies.slice(0, MAX_COOKIES)) {
      const parsed = parseSetCookie(line, url);
      if (!parsed) continue;
      const { key, cookie, expired } = parsed;
      this.#cookies.delete(key);
      if (!expired) this.#cookies.set(key, cookie);
      const [oldest] = this.#cookies.keys();
      if (this.#cookies.size > MAX_COOKIES) this.#cookies.delete(oldest!);
    }
  }

  header(url: URL): string | undefined {
    const matching = [...this.#cookies.values()]
      .filter((cookie) => matches(cookie, url))
      .sort((a, b) => b.path.length - a.path.length);
    return matching.length === 0 ? undefined : matching.map(({ pair }) => pair).join('; ');
  }
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
  const cookie: Cookie = {
    pair: `${name}=${value}`,
    domain,
    hostOnly: !named,
    path,
    secure: attributes.has('secure'),
  };
  return { key: JSON.stringify([name, domain, path]), cookie, expired: isExpired(attributes) };
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
