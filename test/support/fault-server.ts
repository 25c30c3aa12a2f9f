/** The server of the demo, with what tests add: builders of scripts, sources that point to it, a certificate. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startServer } from '../../demo/server.js';

export type Options = Parameters<typeof startServer>[0];
export type FaultServer = Awaited<ReturnType<typeof startServer>>;
export type FaultRequest = FaultServer['requests'][number];
export type Fault = NonNullable<FaultRequest['fault']>;
export type Script = (request: FaultRequest) => Fault | undefined;
export { startServer };

/** Which ranges of a file a fault is for. */
export type Zone = 'first' | 'later' | 'last';
export const ZONES: readonly Zone[] = ['first', 'later', 'last'];

/** Retries of a request that got little still count as the first range. */
const BEGINNING = 64 * 1024;

export function inZone(zone: Zone, { range, size }: FaultRequest): boolean {
  const { start, end } = range ?? { start: 0, end: size };
  if (zone === 'first') return start < BEGINNING;
  return zone === 'later' ? start >= BEGINNING : end >= size;
}

/** The fault, for requests that would have brought the file: in one zone, once or always. */
export function script(fault: Fault, { zone, times }: { zone: Zone; times: 'once' | 'always' }): Script {
  let done = false;
  return (request) => {
    if (request.step !== 'file' || (done && times === 'once') || !inZone(zone, request)) return undefined;
    done = true;
    return fault;
  };
}

/** A source of each type, at a server. */
export function sourceAt(type: string, url: string): object {
  return type === 'zenodo' ? { type, baseUrl: url, record: '2546921' } : { type, baseUrl: url };
}

/** A port on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A new self-signed certificate for 127.0.0.1. */
export async function makeCertificate(): Promise<{ key: string; cert: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'pcam-cert-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const words =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1';
  const more = ['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert];
  try {
    await promisify(execFile)('openssl', [...words.split(' '), ...more]);
    return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
