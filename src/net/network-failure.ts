/** The failure for an error of the network: in which step it happened, whose it is, and what can be done. */
import { memoryError, type PcamError, printable, systemCode } from '../core/index.js';
import { SourceFailure } from './failure.js';
import type { Route } from './proxy.js';

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
