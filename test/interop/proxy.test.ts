/** Downloads through tinyproxy, by the settings of the environment, as behind the wall of a hospital. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freePort, startDaemon } from '../support/daemon.js';
import { contents, fetchAll, holding } from '../support/download.js';
import { archive, manifestJson, noise } from '../support/files.js';
import { runPcam } from '../support/in-process.js';
import { lastPart, listen, send, serveFiles, type TestServer, type Tls } from '../support/server.js';
import { temporaryFolder } from '../support/temp.js';
import { selfSigned } from '../support/tls.js';
import { requireTool } from '../support/tools.js';

const tinyproxy = await requireTool('tinyproxy');
const openssl = await requireTool('openssl');
const x = archive('train_x.h5', noise(2_500_000, 1));

async function startProxy(more = '') {
  const folder = await temporaryFolder();
  const port = await freePort();
  const [conf, logFile] = [join(folder, 'tinyproxy.conf'), join(folder, 'log')];
  await writeFile(
    conf,
    `Port ${port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 50\nLogLevel Connect\nLogFile "${logFile}"\nAllow 127.0.0.1\n${more}`,
  );
  await startDaemon(tinyproxy!, ['-d', '-c', conf], port);
  const log = async () =>
    (await readFile(logFile, 'utf8')).split('\n').filter((line) => line.includes('Request'));
  return { url: `http://127.0.0.1:${port}`, log };
}

const secureServer = (tls: Tls) =>
  listen((request, response) => {
    if (lastPart(request) === x.file.name) send(request, response, x.served);
    else response.writeHead(404).end();
  }, tls);

async function run(server: TestServer, env: Record<string, string>) {
  const folder = await temporaryFolder();
  const [manifest, dir] = [join(folder, 'm.json'), join(folder, 'pcam')];
  await writeFile(
    manifest,
    JSON.stringify(manifestJson([x], { web: { type: 'http', baseUrl: server.url } })),
  );
  const ended = await runPcam(['download', '--json', '-d', dir, '--manifest', manifest], { env });
  expect(await contents(dir).catch(() => ({}))).toEqual(ended.code === 0 ? holding([x]) : {});
  return ended;
}

describe.skipIf(!tinyproxy)('a proxy', () => {
  it.each(['HTTP_PROXY', 'http_proxy', 'ALL_PROXY'])('of %s carries http', async (name) => {
    const [proxy, server] = [await startProxy(), await serveFiles({ [x.file.name]: x.served })];
    expect((await run(server, { [name]: proxy.url })).code).toBe(0);
    const log = await proxy.log();
    expect(log.length).toBeGreaterThan(0);
    for (const line of log) expect(line).toMatch(/GET /);
    expect(server.requests.every(({ headers }) => headers.via !== undefined)).toBe(true);
  });

  it.skipIf(!openssl)('of HTTPS_PROXY tunnels https, and the certificate is the server’s', async () => {
    const certificate = await selfSigned(openssl!);
    const [proxy, server] = [await startProxy(), await secureServer(certificate)];
    const trusted = await run(server, { HTTPS_PROXY: proxy.url, NODE_EXTRA_CA_CERTS: certificate.certPath });
    expect(trusted.code).toBe(0);
    const log = await proxy.log();
    expect(log.length).toBeGreaterThan(0);
    for (const line of log) expect(line).toMatch(/CONNECT /);
    expect((await run(server, { HTTPS_PROXY: proxy.url })).code).toBe(4);
  });

  it.skipIf(!openssl)('is as good with the certificates that the library is given', async () => {
    const certificate = await selfSigned(openssl!);
    const [proxy, server] = [await startProxy(), await secureServer(certificate)];
    const { result } = await fetchAll({
      files: [x],
      at: { web: server.url },
      ca: certificate.cert,
      proxy: { https: proxy.url },
    });
    expect(result.files[0]!.error).toBeUndefined();
    expect(await proxy.log()).not.toEqual([]);
  });

  it.each(['127.0.0.1', '*', 'other.example,127.0.0.1'])('is passed by for NO_PROXY=%s', async (hosts) => {
    const [proxy, server] = [await startProxy(), await serveFiles({ [x.file.name]: x.served })];
    expect((await run(server, { HTTP_PROXY: proxy.url, NO_PROXY: hosts })).code).toBe(0);
    expect(await proxy.log()).toEqual([]);
  });

  it('of another scheme is not used', async () => {
    const [proxy, server] = [await startProxy(), await serveFiles({ [x.file.name]: x.served })];
    expect((await run(server, { HTTPS_PROXY: proxy.url })).code).toBe(0);
    expect(await proxy.log()).toEqual([]);
  });

  it('may be named without its scheme', async () => {
    const [proxy, server] = [await startProxy(), await serveFiles({ [x.file.name]: x.served })];
    expect((await run(server, { HTTP_PROXY: proxy.url.replace('http://', '') })).code).toBe(0);
    expect(await proxy.log()).not.toEqual([]);
  });

  it.each(['not a url', 'socks5://me:secret@127.0.0.1:1'])(
    'called %s is wrong usage, no bug',
    async (setting) => {
      const server = await serveFiles({ [x.file.name]: x.served });
      const ended = await run(server, { HTTP_PROXY: setting });
      expect(ended.code).toBe(2);
      expect(JSON.parse(ended.stdout)).toMatchObject({ ok: false, error: { code: 'USAGE' } });
      expect(ended.stdout + ended.stderr).not.toContain('secret');
      expect(server.requests).toHaveLength(0);
    },
  );

  it.each(['http', 'https'])('that asks for a password gets it, or is said to ask (%s)', async (scheme) => {
    if (scheme === 'https' && !openssl) return;
    const certificate = scheme === 'https' ? await selfSigned(openssl!) : undefined;
    const proxy = await startProxy('BasicAuth me s3cret\n');
    const server = certificate
      ? await secureServer(certificate)
      : await serveFiles({ [x.file.name]: x.served });
    const name = `${scheme.toUpperCase()}_PROXY`;
    const trust: Record<string, string> = certificate ? { NODE_EXTRA_CA_CERTS: certificate.certPath } : {};
    const as = (user: string) => run(server, { [name]: proxy.url.replace('://', `://${user}`), ...trust });
    expect((await as('me:s3cret@')).code).toBe(0);
    const before = (await proxy.log()).length;
    // Tinyproxy answers wrong credentials with 401, which over plain http may be the server's as well.
    const wrong = certificate ? 'does not accept the user name and password (401)' : ' answered 401';
    for (const [user, said] of [
      ['', ' asks for a user name and password (407)'],
      ['me:wr0ng@', wrong],
    ] as const) {
      const ended = await as(user);
      const [failed] = JSON.parse(ended.stdout).files;
      expect(ended.code).toBe(4);
      expect(failed.error.message).toContain(`the proxy ${new URL(proxy.url).host}`);
      expect(failed.error.message).toContain(said);
      expect(failed.error.hint).toContain("in the proxy's URL");
      expect(ended.stdout + ended.stderr).not.toMatch(/s3cret|wr0ng/);
    }
    // Once each: no answer will change.
    expect((await proxy.log()).length - before).toBeLessThanOrEqual(2);
  });

  it('that is dead is named, not the host behind it', async () => {
    const port = await freePort();
    const server = await serveFiles({ [x.file.name]: x.served });
    const { result } = await fetchAll({
      files: [x],
      at: { web: server.url },
      proxy: { http: `http://127.0.0.1:${port}` },
      pauses: { first: 1, longest: 2 },
    });
    expect(result.files[0]!.error!.message).toContain(`the proxy 127.0.0.1:${port} refused the connection`);
    expect(server.requests).toEqual([]);
  });

  it('is not looked for in the environment by the library', async () => {
    const server = await serveFiles({ [x.file.name]: x.served });
    process.env.HTTP_PROXY = 'http://127.0.0.1:1';
    try {
      expect((await fetchAll({ files: [x], at: { web: server.url } })).result.ok).toBe(true);
    } finally {
      delete process.env.HTTP_PROXY;
    }
  });
});
