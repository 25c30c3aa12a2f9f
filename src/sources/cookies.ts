/** Cookies that a server sets on the way to a file and wants to see with the download (RFC 6265), for one run. */
import { isIP } from 'node:net';
import type { Cookies } from '../net/index.js';

/** No site needs more on the way to a file. */
const MOST = 50;
const LONGEST = 4096;

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly domain: string;
  /** Only for the host that set it: it named no domain. */
  readonly hostOnly: boolean;
  readonly path: string;
  readonly secure: boolean;
}

export class CookieJar implements Cookies {
  readonly #cookies = new Map<string, Cookie>();

  store(url: URL, setCookies: readonly string[]): void {
    for (const line of setCookies.slice(0, MOST)) {
      const parsed = parse(line, url);
      if (!parsed) continue;
      const { cookie, expired } = parsed;
      const key = JSON.stringify([cookie.name, cookie.domain, cookie.path]);
      this.#cookies.delete(key);
      if (expired) continue;
      this.#cookies.set(key, cookie);
      const [oldest] = this.#cookies.keys();
      if (this.#cookies.size > MOST && oldest !== undefined) this.#cookies.delete(oldest);
    }
  }

  header(url: URL): string | undefined {
    const fitting = [...this.#cookies.values()]
      .filter((cookie) => isFor(cookie, url))
      .sort((a, b) => b.path.length - a.path.length);
    return fitting.length === 0 ? undefined : fitting.map(({ name, value }) => `${name}=${value}`).join('; ');
  }
}

function parse(line: string, url: URL): { cookie: Cookie; expired: boolean } | undefined {
  const [pair = '', ...rest] = line.split(';').map((part) => part.trim());
  const [name = '', value = ''] = halves(pair);
  // What comes back in a header must be able to be one.
  if (name === '' || line.length > LONGEST || !/^[\x21-\x7e]*$/.test(name + value.replaceAll(' ', '')))
    return undefined;
  const attributes = new Map(
    rest.map((part) => {
      const [key = '', text = ''] = halves(part);
      return [key.toLowerCase(), text];
    }),
  );
  const asked = attributes.get('domain')?.replace(/^\./, '').toLowerCase();
  const hostOnly = !asked || asked === url.hostname;
  // Nobody sets cookies for another site, or for a whole top-level domain.
  if (!hostOnly && !(asked.includes('.') && isWithin(url.hostname, asked))) return undefined;
  const path = attributes.get('path');
  return {
    cookie: {
      name,
      value,
      domain: hostOnly ? url.hostname : asked,
      hostOnly: !asked,
      path: path?.startsWith('/') ? path : url.pathname.replace(/\/[^/]*$/, '') || '/',
      secure: attributes.has('secure'),
    },
    expired: isExpired(attributes),
  };
}

function halves(text: string): [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [text.trim(), ''] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

/** Servers take a cookie back by letting it end in the past; when it ends later, this run is over. */
function isExpired(attributes: ReadonlyMap<string, string>): boolean {
  const age = attributes.get('max-age');
  if (age !== undefined && /^-?\d+$/.test(age)) return Number(age) <= 0;
  return Date.parse(attributes.get('expires') ?? '') < Date.now();
}

function isFor({ domain, hostOnly, path, secure }: Cookie, url: URL): boolean {
  const host = hostOnly ? url.hostname === domain : isWithin(url.hostname, domain);
  const below = url.pathname === path || url.pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
  return host && below && (!secure || url.protocol === 'https:');
}

function isWithin(host: string, domain: string): boolean {
  return host === domain || (isIP(host) === 0 && host.endsWith(`.${domain}`));
}
