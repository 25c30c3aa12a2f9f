/** What the environment says of the network, as the library takes it. */
import { readFile } from 'node:fs/promises';
import { messageOf, type ProxySettings } from '../../core/index.js';
import { type Context, printLine } from './context.js';

export interface NetworkSettings {
  proxy: ProxySettings;
  zenodoToken?: string;
  ca?: string;
}

/** Reads SSL_CERT_FILE where it is set; a file that cannot be read is reported, and does not end the command. */
export async function networkSettings(context: Context): Promise<NetworkSettings> {
  const { proxy, zenodoToken } = context.env;
  return { proxy, zenodoToken, ca: await certificates(context) };
}

/** In place of the built-in certificates, as for OpenSSL; those of NODE_EXTRA_CA_CERTS come on top, as for Node.js. */
async function certificates(context: Context): Promise<string | undefined> {
  const { certificates: path, extraCertificates: more } = context.env;
  if (path === undefined) return undefined;
  const read = (file: string) => readFile(file, 'utf8');
  try {
    const own = await read(path);
    if (!own.includes('-----BEGIN CERTIFICATE-----')) throw new Error('it has no certificate (PEM) in it');
    return more === undefined ? own : `${own}\n${await read(more).catch(() => '')}`;
  } catch (error) {
    const ignored = 'ignored, the built-in certificates are used';
    printLine(context.stderr, `pcam: SSL_CERT_FILE ${path}: ${messageOf(error)}; ${ignored}`);
    return undefined;
  }
}
