/** Redirects that are followed and those that are not, timeouts, bodies that break off. */
import { createHash, randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { VERSION } from '#pcam/core/package.js';
import type { HttpReply } from '#pcam/net/http.js';
import { HttpClient } from '#pcam/net/http.js';
import { TestClock } from '../support/clock.js';
import { failureOf, sourceFailure } from '../support/outcome.js';
import { listen } from '../support/server.js';
import { selfSigned } from '../support/tls.js';
import { requireTool } from '../support/tools.js';

const openssl = await requireTool('openssl');
const { signal } = new AbortController();

function client(options: ConstructorParameters<typeof HttpClient>[0] = {}) {
  const made = new HttpClient(options);
  onTestFinished(() => made.close());
  return made;
}

async function read(reply: HttpReply): Promise<string> {
  let text = '';
  for await (const chunk of reply.body) text += Buffer.from(chunk).toString();
  return text;
}

/** A server that answers each path of `targets` with a redirect there, and all else with its path. */
const redirecting = (targets: Record<string, string>, status = 302) =>
  listen((request, response) => {
    const location = targets[request.url!];
    if (location === undefined) response.end(`here: ${request.url}`);
    else response.writeHead(status, { location }).end();
  });

describe('redirects', () => {
  it.each([301, 302, 303, 307, 308])('%d is followed, with the range that was asked for', async (status) => {
    const server = await redirecting({ '/a': '/b' }, status);
    const reply = await client().fetch(`${server.url}/a`, { headers: { range: 'bytes=0-1' }, signal });
    expect(await read(reply)).toBe('here: /b');
    expect(reply.url.pathname).toBe('/b');
    expect(server.requests.map(({ range }) => range)).toEqual(['bytes=0-1', 'bytes=0-1']);
  });

  it('are followed to another host', async () => {
    const other = await redirecting({});
    const server = await redirecting({ '/a': `${other.url}/there` });
    expect(await read(await client().fetch(`${server.url}/a`, { signal }))).toBe('here: /there');
  });

  it.each([
    ['a loop', '/a'],
    ['a file', 'file:///etc/passwd'],
    ['a scheme of its own', 'javascript:alert(1)'],
    ['no URL', 'http://['],
  ])('to %s are not followed', async (_, location) => {
    const server = await redirecting({ '/a': location });
    expect((await sourceFailure(client().fetch(`${server.url}/a`, { signal }))).kind).toBe('wrong');
    expect(server.requests.length).toBeLessThan(20);
  });

  it.skipIf(!openssl)('from https to http are not followed', async () => {
    const certificate = await selfSigned(openssl!);
    const plain = await redirecting({});
    const secure = await listen((request, response) => {
      if (request.url === '/ok') response.end('secure');
      else response.writeHead(302, { location: request.url === '/same' ? '/ok' : plain.url }).end();
    }, certificate);
    const trusting = client({ ca: certificate.cert });
    expect(await read(await trusting.fetch(`${secure.url}/same`, { signal }))).toBe('secure');
    expect((await sourceFailure(trusting.fetch(`${secure.url}/a`, { signal }))).kind).toBe('wrong');
    expect(plain.requests).toHaveLength(0);
  });
});

describe('a request', () => {
  it('says who asks, and wants the bytes as they are', async () => {
    const server = await listen((_, response) => response.end());
    await read(await client().fetch(server.url, { signal }));
    const { headers } = server.requests[0]!;
    // With a page of its own, once there is one: nobody else's.
    expect(headers['user-agent']).toBe(`pcam/${VERSION}`);
    expect(headers['accept-encoding']).toBe('identity');
  });

  it.skipIf(!openssl)('does not trust a certificate that nobody knows', async () => {
    const server = await listen((_, response) => response.end('secret'), await selfSigned(openssl!));
    expect(await sourceFailure(client().fetch(server.url, { signal }))).toMatchObject({
      kind: 'wrong',
      wholeHost: true,
    });
  });

  it('fails with a passing failure when nothing listens', async () => {
    const server = await listen((_, response) => response.end());
    await server.close();
    expect(await sourceFailure(client().fetch(server.url, { signal }))).toMatchObject({
      kind: 'passing',
      wholeHost: true,
    });
  });

  it('fails in passing when no reply comes', async () => {
    const server = await listen(() => {});
    const impatient = client({ timeouts: { headers: 100 } });
    expect((await sourceFailure(impatient.fetch(server.url, { signal }))).kind).toBe('passing');
  });

  it('stops at a signal, with its reason', async () => {
    const stop = new AbortController();
    const server = await listen(() => stop.abort(new Error('enough')));
    expect(await failureOf(client().fetch(server.url, { signal: stop.signal }))).toBe(stop.signal.reason);
  });
});

describe('a host that says how many requests are left', () => {
  it.each<[string, { remaining: string; reset?: number }, number]>([
    ['none', { remaining: '0', reset: 30 }, 30_000],
    ['none for an hour', { remaining: '0', reset: 3600 }, 60_000],
    ['none, until just now', { remaining: '0', reset: -5 }, 0],
    ['none, until nobody knows when', { remaining: '0' }, 0],
    ['some', { remaining: '3', reset: 30 }, 0],
    ['nonsense', { remaining: 'no', reset: Number.NaN }, 0],
  ])('(%s) is not asked before it is time', async (_, { remaining, reset }, wait) => {
    const headers: Record<string, string> = { 'x-ratelimit-remaining': remaining };
    if (reset !== undefined) headers['x-ratelimit-reset'] = String(Math.floor(Date.now() / 1000) + reset);
    const server = await listen((_, response) => response.writeHead(200, headers).end('x'));
    const other = await listen((_, response) => response.end('y'));
    const clock = new TestClock();
    const own = client({ clock });
    const ask = async (url = server.url) => read(await own.fetch(url, { signal }));
    await ask();
    if (wait > 0) {
      const failure = await sourceFailure(ask());
      expect(failure).toMatchObject({ kind: 'busy', wholeHost: true });
      expect(failure.retryAfter).toBeGreaterThan(wait - 5000);
      expect(failure.retryAfter).toBeLessThanOrEqual(wait);
      expect(server.requests).toHaveLength(1);
      await ask(other.url);
      await clock.advance(wait);
    }
    await ask();
    expect(server.requests).toHaveLength(2);
  });
});

describe('a body', () => {
  it('that stops coming has stalled', async () => {
    const server = await listen((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('some');
    });
    const reply = await client({ timeouts: { stall: 100 } }).fetch(server.url, { signal });
    expect((await sourceFailure(read(reply))).kind).toBe('passing');
  });

  it('is given the time that its reader takes', async () => {
    const server = await listen((_, response) => response.end('a'.repeat(300_000)));
    const reply = await client({ timeouts: { stall: 300 } }).fetch(server.url, { signal });
    let length = 0;
    for await (const chunk of reply.body) {
      if (length === 0) await new Promise((resolve) => setTimeout(resolve, 700)); // a slow disk
      length += chunk.length;
    }
    expect(length).toBe(300_000);
  });

  it.each(['with a length', 'in chunks'])(
    '%s arrives whole, however fast it comes and slow its reader is',
    async (how) => {
      const sent = randomBytes(12 * 1024 * 1024);
      const server = await listen((_, response) => {
        if (how === 'with a length') response.setHeader('content-length', sent.length);
        for (let at = 0; at < sent.length; at += 300_000) response.write(sent.subarray(at, at + 300_000));
        response.end();
      });
      const own = client();
      // The second reply comes over the connection of the first.
      for (let request = 0; request < 2; request++) {
        const came = createHash('sha256');
        for await (const chunk of (await own.fetch(server.url, { signal })).body) {
          // The chunk is the reader's until it asks for the next one.
          await setImmediate();
          came.update(chunk);
        }
        expect(came.digest('hex')).toBe(createHash('sha256').update(sent).digest('hex'));
      }
    },
  );

  it('that breaks off has failed in passing', async () => {
    const server = await listen((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('some', () => response.destroy());
    });
    expect((await sourceFailure(read(await client().fetch(server.url, { signal })))).kind).toBe('passing');
  });

  it('is cut where only its beginning is wanted', async () => {
    const server = await listen((_, response) => response.end('é'.repeat(1_000_000)));
    const reply = await client().fetch(server.url, { signal });
    expect((await reply.text(1000)).length).toBeLessThanOrEqual(501);
  });
});
