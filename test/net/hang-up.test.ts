/** However a connection fails, and whenever: one request, one connection, one failure, and in time. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { HttpClient } from '#pcam/net/http.js';
import { closedPort, makeCertificate } from '../support/fault-server.js';
import { ENDINGS, type Ending, type HangUp, hangUp, MOMENTS, type Moment } from '../support/hang-up.js';
import { failureOf, sourceFailure } from '../support/outcome.js';
import { requireTool } from '../support/tools.js';

const openssl = await requireTool('openssl');
const certificate = openssl ? await makeCertificate() : undefined;
/** So long that a busy machine does not pass for a silent peer. */
const LONG = { connect: 60_000, headers: 60_000, stall: 60_000 };

/** Short is the wait that the silence is in, and no other: a busy machine may be slow in those before. */
function shortAt(way: Way, at: Moment): typeof LONG {
  const connecting = ['accepted', 'TLS hello', 'CONNECT', 'half an answer to CONNECT', 'tunnel'];
  if (way.startsWith('https') && connecting.includes(at)) return { ...LONG, connect: 150 };
  return { ...LONG, [['headers', 'first bytes'].includes(at) ? 'stall' : 'headers']: 150 };
}

type Way = 'http' | 'https' | 'http through a proxy' | 'https through a proxy';

interface Setup {
  way: Way;
  at: Moment;
  ending: Ending;
  timeouts?: typeof LONG;
}

async function setUp({ way, at, ending, timeouts = ending === 'silence' ? shortAt(way, at) : LONG }: Setup) {
  const tls = way.startsWith('https') ? certificate : undefined;
  const tunnel = way === 'https through a proxy';
  const peer = await hangUp({ at, ending, tls, tunnel });
  const here = `http://127.0.0.1:${peer.port}`;
  const proxied = way.endsWith('proxy');
  const client = new HttpClient({
    timeouts,
    ca: tls?.cert,
    proxy: proxied ? { http: here, https: here } : {},
  });
  onTestFinished(() => client.close());
  const url = tunnel
    ? 'https://127.0.0.1/x'
    : way === 'http through a proxy'
      ? 'http://data.example/x'
      : `${way}://127.0.0.1:${peer.port}/x`;
  const get = async (signal: AbortSignal) => {
    const reply = await client.fetch(url, { signal });
    for await (const _ of reply.body);
  };
  return { peer, get, client, proxy: proxied ? `127.0.0.1:${peer.port}` : undefined };
}

const { signal } = new AbortController();
const CASES: [Way, Moment, Ending][] = (
  [
    ['http', MOMENTS.http],
    ['https', MOMENTS.https],
    ['http through a proxy', MOMENTS.http],
    ['https through a proxy', [...MOMENTS.tunnel, ...MOMENTS.https.slice(1)]],
  ] as const
).flatMap(([way, moments]) =>
  moments.flatMap((moment) => ENDINGS.map((ending): [Way, Moment, Ending] => [way, moment, ending])),
);

async function allClosed(peer: HangUp): Promise<void> {
  await expect.poll(() => peer.open, { interval: 5 }).toBe(0);
}

describe.skipIf(!openssl)('one request over', () => {
  it.each(CASES)('%s, at "%s" the peer chooses %s: one connection, one failure', async (way, at, ending) => {
    const { peer, get, proxy } = await setUp({ way, at, ending });
    const failure = await sourceFailure(get(signal));
    expect(failure).toMatchObject({ kind: 'passing', proxy });
    expect(failure.message).toMatch(/^(127\.0\.0\.1(:\d+)?|data\.example|the proxy 127\.0\.0\.1:\d+) /);
    expect(failure.message).toMatch(
      ending === 'silence' ? /within|in 0\.15 s/ : /(closed|reset) the connection|not as long/,
    );
    // A host that has never answered will not do so for another file.
    expect(failure.wholeHost).toBe(!['headers', 'first bytes'].includes(at));
    expect(peer.opened).toBe(1);
    await allClosed(peer);
  });

  it.each(CASES.filter(([, , ending]) => ending === 'silence'))(
    '%s, silent at "%s", ends at once when it is called off',
    async (way, at) => {
      const { peer, get } = await setUp({ way, at, ending: 'silence', timeouts: LONG });
      const stop = new AbortController();
      const running = failureOf(get(stop.signal));
      await peer.reached;
      stop.abort(new Error('enough'));
      expect(await running).toBe(stop.signal.reason);
      await allClosed(peer);
      expect(peer.opened).toBe(1);
    },
  );
});

describe('a proxy that is not there', () => {
  it.each(['http', 'https'])('is named as what failed, not the host behind it (%s)', async (scheme) => {
    const proxy = `127.0.0.1:${await closedPort()}`;
    const client = new HttpClient({ proxy: { [scheme]: proxy } });
    onTestFinished(() => client.close());
    const failure = await sourceFailure(client.fetch(`${scheme}://data.example/x`, { signal }));
    expect(failure).toMatchObject({ kind: 'passing', wholeHost: true, proxy });
    expect(failure.message).toBe(`the proxy ${proxy} refused the connection`);
  });
});
