/** What is wrong with a TLS connection is said as what it is, with what can be done about it. */
import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HttpClient } from '#pcam/net/http.js';
import { archive, manifestJson, noise } from '../support/files.js';
import { sourceFailure } from '../support/outcome.js';
import { type Ended, endOf, ownEnvironment, PCAM, startPcam } from '../support/process.js';
import { listen, send, type Tls } from '../support/server.js';
import { temporaryFolder } from '../support/temp.js';
import { requireTool, runTool } from '../support/tools.js';

const openssl = await requireTool('openssl');
const { signal } = new AbortController();

const CA_CONFIG = (names: string) => `
[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
serial = serial.txt
policy = any
[any]
commonName = supplied
[names]
basicConstraints = CA:TRUE
subjectAltName = ${names}
`;

/** Self-signed, for the given names, valid until the given day (YYYYMMDD). */
async function certificate(names: string, until = '20491231'): Promise<Tls> {
  const folder = await mkdtemp(join(tmpdir(), 'pcam-cert-'));
  const path = (name: string) => join(folder, name);
  const inFolder = (args: string) => runTool('sh', ['-c', `cd "$0" && exec "$1" ${args}`, folder, openssl!]);
  try {
    await writeFile(path('ca.conf'), CA_CONFIG(names));
    await writeFile(path('index.txt'), '');
    await writeFile(path('serial.txt'), '01\n');
    const curve = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';
    await inFolder(`req -new ${curve} -subj /CN=${randomUUID()} -keyout key.pem -out request.pem`);
    const days = `-startdate 20200101000000Z -enddate ${until}000000Z`;
    const files = '-keyfile key.pem -in request.pem -out cert.pem -config ca.conf -extensions names';
    await inFolder(`ca -selfsign -batch -notext -md sha256 ${days} ${files}`);
    return { key: await readFile(path('key.pem'), 'utf8'), cert: await readFile(path('cert.pem'), 'utf8') };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The file with the certificates of this system, where tests may put another one in its place. */
const bundle = await findBundle();

async function findBundle(): Promise<string | undefined> {
  const path = '/etc/ssl/certs/ca-certificates.crt';
  const mounting = ['--mount', 'mount', '--bind', path, path];
  return promisify(execFile)('unshare', mounting).then(
    () => path,
    () => undefined,
  );
}

/** Runs pcam on a system that trusts one certificate more, in a mount namespace of its own. */
function withBundle(certPath: string, args: readonly string[], env: Record<string, string>): Promise<Ended> {
  const all = `${certPath}.all`;
  const script = 'cat "$1" "$2" >"$3" && mount --bind "$3" "$1" && shift 3 && exec "$@"';
  const words = [
    '--mount',
    'sh',
    '-c',
    script,
    'sh',
    bundle!,
    certPath,
    all,
    process.execPath,
    PCAM,
    ...args,
  ];
  return endOf(spawn('unshare', words, { env: ownEnvironment(env), stdio: ['ignore', 'pipe', 'pipe'] }));
}

async function failing(url: string, ca?: string) {
  const client = new HttpClient({ ca });
  onTestFinished(() => client.close());
  const failure = await sourceFailure(client.fetch(url, { signal }));
  expect(failure).toMatchObject({ kind: 'wrong', wholeHost: true, proxy: undefined });
  return failure;
}

describe.skipIf(!openssl)('a TLS connection', () => {
  it('to a host that is not trusted says how to trust it', async () => {
    const server = await listen((_, response) => response.end(), await certificate('IP:127.0.0.1'));
    const failure = await failing(server.url);
    expect(failure.message).toMatch(/certificate of 127\.0\.0\.1:\d+ is not trusted/);
    expect(failure.hint).toMatch(/NODE_EXTRA_CA_CERTS.*SSL_CERT_FILE/);
    expect(failure.hint).toMatch(/trusted are Node's certificates and those of (\/etc\/|the system)/);
  });

  it('to a host whose certificate has expired says so', async () => {
    const tls = await certificate('IP:127.0.0.1', '20200201');
    const server = await listen((_, response) => response.end(), tls);
    expect((await failing(server.url, tls.cert)).message).toMatch(/certificate of .* has expired/);
  });

  it('to a host whose certificate is for others names them', async () => {
    const tls = await certificate('DNS:other.example,DNS:another.example');
    const server = await listen((_, response) => response.end(), tls);
    const { message } = await failing(server.url, tls.cert);
    expect(message).toMatch(/is not valid for that host, only for other\.example, another\.example/);
  });

  it('to a port that speaks plain HTTP is no matter of trust', async () => {
    const server = await listen((_, response) => response.end());
    const failure = await failing(server.url.replace('http:', 'https:'));
    expect(failure.message).toMatch(/does not speak TLS/);
    expect(failure.message).not.toMatch(/trust/);
    expect(failure.hint).toContain('http://');
  });

  it('to a port that speaks something else neither', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end('SSH-2.0-OpenSSH_9.2\r\n');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    expect((await failing(`https://127.0.0.1:${port}/`)).message).toMatch(/does not speak TLS/);
  });
});

describe.skipIf(!openssl)('on the command line, certificates', () => {
  const one = archive('valid_y.h5', noise(500));

  async function download(
    env: (certPath: string, dir: string) => Record<string, string>,
    { asSystem = false } = {},
  ) {
    const tls = await certificate('IP:127.0.0.1');
    const server = await listen((request, response) => send(request, response, one.served), tls);
    const folder = await temporaryFolder();
    const [manifest, certPath] = [join(folder, 'm.json'), join(folder, 'ca.pem')];
    await writeFile(certPath, tls.cert);
    await writeFile(
      manifest,
      JSON.stringify(manifestJson([one], { own: { type: 'http', baseUrl: server.url } })),
    );
    const args = ['download', '--manifest', manifest, '--dir', join(folder, 'pcam')];
    const settings = env(certPath, folder);
    return asSystem ? withBundle(certPath, args, settings) : startPcam(args, { env: settings }).ended;
  }

  it.each(['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS'])('of %s are trusted', async (name) => {
    expect((await download((certPath) => ({ [name]: certPath }))).code).toBe(0);
  });

  it('of both are trusted', async () => {
    const other = await certificate('DNS:other.example');
    const path = join(await temporaryFolder(), 'other.pem');
    await writeFile(path, other.cert);
    const both = (certPath: string) => ({ SSL_CERT_FILE: path, NODE_EXTRA_CA_CERTS: certPath });
    expect((await download(both)).code).toBe(0);
  });

  it.skipIf(!bundle)(
    'that the system trusts are trusted, with those of Node and NODE_EXTRA_CA_CERTS',
    async () => {
      const other = await certificate('DNS:other.example');
      const path = join(await temporaryFolder(), 'other.pem');
      await writeFile(path, other.cert);
      for (const extra of [{}, { NODE_EXTRA_CA_CERTS: path }] as Record<string, string>[]) {
        const ended = await download(() => extra, { asSystem: true });
        expect(ended.code, ended.stderr).toBe(0);
      }
    },
  );

  it('that are not trusted are reported with the way to trust them', async () => {
    const ended = await download(() => ({}));
    expect(ended.code).toBe(4);
    expect(ended.stderr.replace(/\s+/g, ' ')).toMatch(/not trusted.*NODE_EXTRA_CA_CERTS/);
  });

  it('that cannot be read are reported, and the built-in ones are used', async () => {
    const ended = await download((_, dir) => ({ SSL_CERT_FILE: join(dir, 'absent.pem') }));
    expect(ended.code).toBe(4);
    expect(ended.stderr).toContain('SSL_CERT_FILE');
  });
});
