/** From what went wrong on the way to a reply to a failure that says where, in words for a person. */
import { memoryError, type PcamError, printable, systemCode } from '../core/index.js';
import { SourceFailure } from './failure.js';
import type { HttpProxy } from './proxy.js';

/** Where a request leads, and through what. */
export interface Route {
  /** Scheme, host and port of the server that has the file. */
  readonly target: URL;
  readonly proxy: HttpProxy | undefined;
}

/** What is being done when something fails, in the order in which it is done. */
export type ConnectionStep = 'lookup' | 'connect' | 'proxy-tls' | 'tunnel' | 'tls' | 'reply' | 'body';

/** The other side closed the connection cleanly, which is no error for a socket. */
export class Closed extends Error {
  readonly code = 'CLOSED';
}

/** A step took longer than it may. */
export class TookTooLong extends Error {
  readonly code = 'TOOK_TOO_LONG';
  constructor(readonly ms: number) {
    super(`nothing for ${ms} ms`);
  }
}

/** What the connection itself said; after 'the host'. */
const SAID: Record<string, string> = {
  ENOTFOUND: 'cannot be found: its name does not resolve',
  EAI_AGAIN: 'cannot be found at the moment: its name does not resolve',
  ECONNREFUSED: 'refused the connection',
  ECONNRESET: 'reset the connection',
  CLOSED: 'closed the connection',
  EPIPE: 'closed the connection',
  UND_ERR_SOCKET: 'closed the connection',
  ETIMEDOUT: 'did not answer: the connection timed out',
  ENETUNREACH: 'cannot be reached from this network',
  EHOSTUNREACH: 'cannot be reached from this network',
  ENETDOWN: 'cannot be reached: the network is down',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'sent a reply that is not as long as announced',
  UND_ERR_HEADERS_OVERFLOW: 'sent too many headers',
};

/** @param known the host has answered other requests */
export function networkFailure(
  error: unknown,
  step: ConnectionStep,
  route: Route,
  known = false,
): SourceFailure | PcamError {
  if (error instanceof SourceFailure) return error;
  // The parser of HTTP is WebAssembly, and lacks memory on this machine: no other source would help.
  const memory = error instanceof RangeError ? memoryError(error) : undefined;
  if (memory) return memory;
  const code = codeOf(error);
  const who = subject(step, route);
  // Up to the tunnel it is the proxy that answers, and what breaks inside a tunnel is mostly its doing as well.
  const proxy = route.proxy?.name;
  if (step === 'tls' || step === 'proxy-tls') {
    const wrong = tlsFailure(error, code, who, step === 'tls' ? undefined : proxy);
    if (wrong) return wrong;
  }
  // Until the request is sent it makes no difference which file is asked for; nor does it for a host that has never
  // answered.
  const wholeHost = step !== 'body' && (step !== 'reply' || !known);
  return new SourceFailure('passing', `${who} ${reasonOf(error, code, step, route)}`, {
    wholeHost,
    proxy,
    cause: error,
  });
}

/** Of several addresses that were tried, each with an error of its own, Node's error carries the first one's code. */
function codeOf(error: unknown): string {
  return systemCode(error) || systemCode((error as { cause?: unknown } | null)?.cause);
}

function subject(step: ConnectionStep, { target, proxy }: Route): string {
  if (proxy === undefined) return target.host;
  if (step === 'tls' || step === 'reply' || step === 'body') {
    return `${target.host} (through the proxy ${proxy.name})`;
  }
  return `the proxy ${proxy.name}`;
}

function reasonOf(error: unknown, code: string, step: ConnectionStep, route: Route): string {
  if (error instanceof TookTooLong) return tooLong(error.ms, step, route);
  const said = SAID[code];
  if (said !== undefined) return `${said}${during(code, step, route)}`;
  if (/^HPE_/.test(code)) return `sent something that is not HTTP (${code})`;
  return `failed: ${printable(error instanceof Error ? error.message : String(error), 200)}`;
}

function tooLong(ms: number, step: ConnectionStep, { target }: Route): string {
  const within = `within ${ms / 1000} s`;
  const done: Record<ConnectionStep, string> = {
    lookup: `could not be resolved ${within}`,
    connect: `did not accept a connection ${within}`,
    'proxy-tls': `did not complete the TLS handshake ${within}`,
    tunnel: `did not open a tunnel to ${target.host} ${within}`,
    tls: `did not complete the TLS handshake ${within}`,
    reply: `sent no reply ${within}`,
    body: `stalled: under 1 kB ${within.replace('within', 'in')}`,
  };
  return done[step];
}

function during(code: string, step: ConnectionStep, { target }: Route): string {
  if (!/^(ECONNRESET|CLOSED|EPIPE|UND_ERR_SOCKET|ETIMEDOUT)$/.test(code)) return '';
  const words: Record<ConnectionStep, string> = {
    lookup: '',
    connect: '',
    'proxy-tls': ' during the TLS handshake',
    tunnel: ` when asked for a tunnel to ${target.host}`,
    tls: ' during the TLS handshake',
    reply: ' before it sent a reply',
    body: ' in the middle of a reply',
  };
  return words[step];
}

const NO_TLS =
  /^(EPROTO|ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|UNEXPECTED_MESSAGE))$/;
const UNTRUSTED = /^(DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|CERT_UNTRUSTED|INVALID_CA|CERT_CHAIN)/;
const CERTIFICATE = /^(CERT_|CRL_|ERR_TLS_|ERR_SSL_|HOSTNAME_MISMATCH|ERR_OSSL_)/;

const HOW_TO_TRUST =
  "if this network inspects TLS, or the host uses its organisation's own certificates: put that authority's " +
  'certificate (PEM) into a file and set NODE_EXTRA_CA_CERTS (or SSL_CERT_FILE) to its path';

/** Certificates do not mend themselves in half a minute, so none of these is tried again. */
function tlsFailure(
  error: unknown,
  code: string,
  who: string,
  proxy: string | undefined,
): SourceFailure | undefined {
  const wrong = (message: string, hint?: string) =>
    new SourceFailure('wrong', message, { wholeHost: true, proxy, hint, cause: error });
  if (NO_TLS.test(code)) {
    return wrong(`${who} does not speak TLS on that port (${code})`, 'is it http:// rather than https://?');
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    const state = code === 'CERT_HAS_EXPIRED' ? 'has expired' : 'is not valid yet';
    return wrong(`the TLS certificate of ${who} ${state} (${code})`, 'check the clock of this machine');
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code === 'HOSTNAME_MISMATCH') {
    const names = (error as { cert?: { subjectaltname?: string } }).cert?.subjectaltname;
    const others = names ? `, only for ${printable(names.replaceAll('DNS:', ''), 100)}` : '';
    return wrong(`the TLS certificate of ${who} is not valid for that host${others} (${code})`);
  }
  if (UNTRUSTED.test(code)) {
    return wrong(`the TLS certificate of ${who} is not trusted (${code})`, HOW_TO_TRUST);
  }
  if (CERTIFICATE.test(code)) return wrong(`no secure connection to ${who} is possible (${code})`);
  return undefined;
}

/** The failure that a proxy's own answer means, to CONNECT or in place of the server's reply. */
export function proxyRefusal(status: number, { target, proxy }: Route): SourceFailure {
  const name = proxy?.name ?? '';
  const options = { wholeHost: true, proxy: name };
  // Tinyproxy answers wrong credentials with 401.
  if (status === 407 || status === 401) {
    return proxy?.authorization === undefined
      ? new SourceFailure('wrong', `the proxy ${name} asks for a user name and password (${status})`, {
          ...options,
          hint: `give them in the proxy's URL, as in http://USER:PASSWORD@${name}`,
        })
      : new SourceFailure(
          'wrong',
          `the proxy ${name} does not accept the user name and password (${status})`,
          {
            ...options,
            hint: "check them in the proxy's URL; characters such as @ and : are written as %40 and %3A",
          },
        );
  }
  const kind = status === 429 || status === 503 ? 'busy' : status >= 500 ? 'passing' : 'refused';
  return new SourceFailure(
    kind,
    `the proxy ${name} refused a connection to ${target.host} (${status})`,
    options,
  );
}
