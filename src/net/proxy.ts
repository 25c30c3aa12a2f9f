/** Whether a request goes straight to its host or through a proxy. A setting is an error only for a URL that needs it. */
import { BlockList, isIP } from 'node:net';
import { PcamError, type ProxySettings, showUrl } from '../core/index.js';

export interface HttpProxy {
  readonly url: URL;
  /** `host:port`, as messages name it. */
  readonly name: string;
  /** `Proxy-Authorization`, from the user and password of its URL. */
  readonly authorization: string | undefined;
}

/** Where a request goes, and through what. */
export interface Route {
  /** Scheme, host and port of the server that has the file. */
  readonly target: URL;
  readonly proxy: HttpProxy | undefined;
}

/**
 * @returns the proxy for a URL; undefined: it is asked directly
 * @throws PcamError USAGE when the URL needs a proxy that pcam cannot use
 */
export type ProxyChoice = (url: URL) => HttpProxy | undefined;

export function proxyChoice(settings: ProxySettings): ProxyChoice {
  const direct = hostFilter(settings.no);
  const known = new Map<string, HttpProxy>();
  return (url) => {
    const setting = url.protocol === 'https:' ? settings.https : settings.http;
    if (!setting || direct(url)) return undefined;
    let proxy = known.get(setting);
    if (!proxy) {
      proxy = parseProxy(setting, url);
      known.set(setting, proxy);
    }
    return proxy;
  };
}

const HINT =
  'set HTTP_PROXY, HTTPS_PROXY or ALL_PROXY to an http or https proxy, or list the host in NO_PROXY';

/** `host:port` alone means http, as for curl. */
function parseProxy(setting: string, target: URL): HttpProxy {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(setting) ? setting : `http://${setting}`;
  if (/^socks[0-9a-z]*:/i.test(text)) {
    const message = `${target.host} would be reached through ${showUrl(text)}, and pcam does not support SOCKS proxies`;
    throw new PcamError('USAGE', message, { hint: HINT });
  }
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    const message = `${target.host} would be reached through the proxy ${showUrl(text)}, which is not an http or https URL`;
    throw new PcamError('USAGE', message, { hint: HINT });
  }
  const url = new URL(text);
  const { username, password } = url;
  const authorization = username || password ? basic(username, password) : undefined;
  return { url, name: hostAndPort(url), authorization };
}

/** Basic credentials (RFC 7617) from the parts of a URL, where they are percent-encoded UTF-8. */
export function basic(username: string, password: string): string {
  const credentials = `${decoded(username)}:${decoded(password)}`;
  return `Basic ${Buffer.from(credentials, 'utf8').toString('base64')}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray percent sign is literal
  }
}

export function portOf({ port, protocol }: URL): number {
  return Number(port) || (protocol === 'https:' ? 443 : 80);
}

/** With the port, which a URL leaves out where it is the usual one. */
export function hostAndPort(url: URL): string {
  return `${url.hostname}:${portOf(url)}`;
}

/** Without the brackets that a URL puts around an IPv6 address. */
export function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}

/**
 * NO_PROXY, by the rules of Go's httpproxy and of curl 8. The entries are separated by commas or spaces:
 * - `*`: every host
 * - `example.org`, `.example.org`, `*.example.org`: the domain and all names below it
 * - `10.0.0.1`, `::1`, `[::1]`: an address
 * - `10.0.0.0/8`, `fe80::/10`: a block of addresses (for hosts given by address; names are not looked up)
 * - each but the block with a port, as in `example.org:8080` or `[::1]:8080`: on that port alone
 * An entry that is none of these matches nothing.
 */
function hostFilter(setting = ''): (url: URL) => boolean {
  const tests = setting
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean)
    .map(parseEntry);
  return (url) => {
    const host = bare(url.hostname).toLowerCase();
    return tests.some((matches) => matches(host, portOf(url)));
  };
}

type Test = (host: string, port: number) => boolean;

function parseEntry(entry: string): Test {
  if (entry === '*') return () => true;
  const block = /^([^/]+)\/(\d{1,3})$/.exec(entry);
  if (block) return addressTest(bare(block[1]!), Number(block[2]));
  // More than one colon outside of brackets is an IPv6 address without a port.
  const [, name = entry, port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(entry) ?? [];
  const host = bare(name);
  const matches = isIP(host) === 0 ? domainTest(host) : addressTest(host);
  return (asked, askedPort) =>
    (port === undefined || Number(port) === askedPort) && matches(asked, askedPort);
}

/** Compares by value: one IPv6 address has many spellings. */
function addressTest(network: string, bits?: number): Test {
  const family = isIP(network);
  const maxBits = family === 4 ? 32 : 128;
  if (family === 0 || (bits ?? 0) > maxBits) return () => false;
  const block = new BlockList();
  block.addSubnet(network, bits ?? maxBits, `ipv${family as 4 | 6}`);
  return (host) => isIP(host) !== 0 && block.check(host, `ipv${isIP(host) as 4 | 6}`);
}

function domainTest(entry: string): Test {
  const domain = entry.replace(/^\*?\./, '').replace(/\.$/, '');
  return (host) => {
    const name = host.replace(/\.$/, '');
    return domain !== '' && (name === domain || name.endsWith(`.${domain}`));
  };
}
