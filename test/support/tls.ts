/** A certificate that nobody signed but itself, for servers on loopback. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from './temp.js';
import { runTool } from './tools.js';

export interface Certificate {
  key: string;
  cert: string;
  /** Where `cert` lies as a file, until the test is over. */
  certPath: string;
}

export async function selfSigned(openssl: string): Promise<Certificate> {
  const folder = await temporaryFolder();
  const [keyPath, certPath] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  await runTool(openssl, [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'],
    ...['-keyout', keyPath, '-out', certPath],
  ]);
  return { key: await readFile(keyPath, 'utf8'), cert: await readFile(certPath, 'utf8'), certPath };
}
