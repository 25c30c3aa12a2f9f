/** The certificates to trust: those that the caller names, else Node's own, and where these are not enough the system's. */
import { readFile } from 'node:fs/promises';
import * as tls from 'node:tls';
import { nodeExtraCertificates } from '../core/index.js';

export interface Trust {
  readonly context: tls.SecureContext;
  /** What is trusted, for a message. */
  readonly description: string;
}

/** @param ca certificates (PEM) to trust in place of Node's own */
export function firstTrust(ca: string | undefined): Trust {
  const description =
    ca === undefined ? "Node's certificates" : 'the certificates that were given (SSL_CERT_FILE)';
  return { context: tls.createSecureContext({ ca }), description };
}

/** Where distributions keep the certificates of the system, as one file; as in Go's crypto/x509. */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt', // Debian, Ubuntu, Arch, Gentoo
  '/etc/pki/tls/certs/ca-bundle.crt', // Fedora, RHEL
  '/etc/ssl/ca-bundle.pem', // openSUSE
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem', // CentOS, RHEL 7
  '/etc/ssl/cert.pem', // Alpine, macOS
];

/** Node has it from 22.15 and 23.9 on. */
type GetCertificates = (type: 'default' | 'system') => string[];

/**
 * Node's certificates and those of the system: networks that inspect TLS put their authority there. OpenSSL takes 0.2 s
 * to read them, so this is not where connections begin.
 */
export async function systemTrust(): Promise<Trust> {
  const { getCACertificates } = tls as { getCACertificates?: GetCertificates };
  if (getCACertificates) {
    const ca = [...getCACertificates('default'), ...getCACertificates('system')];
    return trustIn(ca, "Node's certificates and those of the system");
  }
  // Node adds NODE_EXTRA_CA_CERTS to its own certificates, but not to a list that it is given.
  const extra = await readCertificates(nodeExtraCertificates());
  for (const path of BUNDLES) {
    const bundle = await readCertificates(path);
    if (bundle.length === 0) continue;
    const ca = [...tls.rootCertificates, ...extra, ...bundle];
    return trustIn(ca, `Node's certificates and those of ${path}`);
  }
  return firstTrust(undefined);
}

function trustIn(certificates: readonly string[], description: string): Trust {
  const unwrapped = new Map(certificates.map((pem) => [pem.replaceAll(/\s/g, ''), pem]));
  return { context: tls.createSecureContext({ ca: [...unwrapped.values()] }), description };
}

async function readCertificates(path: string | undefined): Promise<string[]> {
  const text = path === undefined ? '' : await readFile(path, 'latin1').catch(() => '');
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}
