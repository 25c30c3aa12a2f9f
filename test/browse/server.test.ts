import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer } from '#pcam/browse/server.js';

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** A request with just these headers: fetch would set Host itself. */
function ask(
  url: string,
  options: { method?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }));
    });
    sent.on('error', reject).end();
  });
}

describe('the server of browse', () => {
  let server: Awaited<ReturnType<typeof startServer>>;
  let origin: string;
  let cookie: string;

  beforeAll(async () => {
    server = await startServer({
      port: 0,
      router: async (path) =>
        path[0] === 'there' ? { type: 'text/plain', body: JSON.stringify(path) } : undefined,
    });
    origin = new URL(server.url).origin;
    const { headers } = await ask(server.url.replace('/?', '/there?'));
    cookie = String(headers['set-cookie']).split(';')[0]!;
  });
  afterAll(() => server.close());

  it('listens on the loopback interface alone', () => {
    expect(new URL(server.url).hostname).toBe('127.0.0.1');
  });

  it('refuses what comes without its token', async () => {
    expect((await ask(`${origin}/there`)).status).toBe(403);
    expect((await ask(`${origin}/there?token=wrong`)).status).toBe(403);
    expect((await ask(`${origin}/there`, { headers: { Cookie: 'pcam-1=x' } })).status).toBe(403);
  });

  it('turns the token into a cookie that no script and no other site gets, with the port in its name', async () => {
    const { status, headers } = await ask(server.url.replace('/?', '/there?'));
    expect(status).toBe(200);
    const [set] = headers['set-cookie'] as string[];
    expect(set).toContain(`pcam-${new URL(origin).port}=`);
    expect(set).toContain('HttpOnly');
    expect(set).toContain('SameSite=Strict');
    expect((await ask(`${origin}/there`, { headers: { Cookie: `a=b; ${cookie}` } })).status).toBe(200);
  });

  it.each(['evil.example', 'evil.example:80', '127.0.0.1.evil.example', '10.0.0.1', 'localhost:99999x'])(
    'refuses the Host %s',
    async (host) => {
      expect((await ask(`${origin}/there`, { headers: { Cookie: cookie, Host: host } })).status).toBe(403);
    },
  );

  it.each(['localhost', 'localhost:1', '127.0.0.1:8000', '[::1]:9', 'LOCALHOST:7'])(
    'accepts the Host %s, as ssh -L gives it',
    async (host) => {
      expect((await ask(`${origin}/there`, { headers: { Cookie: cookie, Host: host } })).status).toBe(200);
    },
  );

  it('refuses the Origin of another site', async () => {
    const headers = { Cookie: cookie, Origin: 'https://evil.example' };
    expect((await ask(`${origin}/there`, { headers })).status).toBe(403);
    expect((await ask(`${origin}/there`, { headers: { ...headers, Origin: origin } })).status).toBe(200);
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('answers 405 to %s', async (method) => {
    const { status, headers } = await ask(`${origin}/there`, { method, headers: { Cookie: cookie } });
    expect(status).toBe(405);
    expect(headers.allow).toBe('GET, HEAD');
  });

  it('answers HEAD without a body, and 404 to what is not there', async () => {
    const head = await ask(`${origin}/there`, { method: 'HEAD', headers: { Cookie: cookie } });
    expect([head.status, head.body]).toEqual([200, '']);
    expect((await ask(`${origin}/nothing`, { headers: { Cookie: cookie } })).status).toBe(404);
    expect((await ask(`${origin}/%ff`, { headers: { Cookie: cookie } })).status).toBe(404);
  });

  it('never takes a path apart for the disk', async () => {
    const { body } = await ask(`${origin}/there/..%2f..%2fetc/passwd`, { headers: { Cookie: cookie } });
    expect(JSON.parse(body)).toEqual(['there', '../../etc', 'passwd']);
    expect((await ask(`${origin}/${'a'.repeat(5000)}`, { headers: { Cookie: cookie } })).status).toBe(414);
  });

  it('forbids everything from outside', async () => {
    const { headers } = await ask(`${origin}/there`, { headers: { Cookie: cookie } });
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  it('says so where the port is taken', async () => {
    const port = Number(new URL(origin).port);
    await expect(startServer({ port, router: async () => undefined })).rejects.toMatchObject({
      code: 'IO',
      exitCode: 5,
    });
  });
});
