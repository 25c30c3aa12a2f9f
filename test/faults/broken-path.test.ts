/** A path that is broken in any way costs a few connections, and holds up neither the other sources nor Ctrl-C. */
import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '#pcam/core/defaults.js';
import { contents, fetchAll, holding } from '../support/download.js';
import { makeCertificate } from '../support/fault-server.js';
import { archive, noise, put } from '../support/files.js';
import { ENDINGS, type Ending, hangUp, type Moment } from '../support/hang-up.js';
import { serveFiles } from '../support/server.js';
import { temporaryFolder } from '../support/temp.js';
import { requireTool } from '../support/tools.js';

const openssl = await requireTool('openssl');
const tls = openssl ? await makeCertificate() : undefined;
const files = [archive('train_x.h5', noise(300_000, 1)), archive('valid_x.h5', noise(100_000, 2))];
const served = Object.fromEntries(files.map(({ file, served }) => [file.name, served]));
const pauses = { first: 2, longest: 20 };
/** For who waits in vain; beside a source that is to keep them, deadlines are longer (ms). */
const deadlines = (ms: number) => ({ connect: ms, headers: ms, stall: ms });
/** One try and the retries. */
const MOST_CONNECTIONS = 1 + DEFAULTS.retries;

const MOMENTS: [Moment, 'http' | 'https'][] = [
  ['accepted', 'http'],
  ['request', 'http'],
  ['half of the headers', 'http'],
  ['accepted', 'https'],
  ['CONNECT', 'https'],
  ['half an answer to CONNECT', 'https'],
  ['tunnel', 'https'],
  ['TLS hello', 'https'],
  ['TLS handshake', 'https'],
];
const CASES = MOMENTS.flatMap(([at, scheme]) =>
  ENDINGS.map((ending): [Moment, 'http' | 'https', Ending] => [at, scheme, ending]),
);

describe.skipIf(!openssl).each(CASES)('a proxy that at "%s" (%s) chooses %s', (at, scheme, ending) => {
  const start = async (ms: number) => {
    const peer = await hangUp({
      at,
      ending,
      tls: scheme === 'https' ? tls : undefined,
      tunnel: scheme === 'https',
    });
    const proxy = { [scheme]: `127.0.0.1:${peer.port}`, no: '127.0.0.1' };
    const timeouts = ending === 'silence' ? deadlines(ms) : {};
    return { peer, options: { files, proxy, ca: tls?.cert, timeouts, pauses } };
  };

  it('is given up after the retries, and named', async () => {
    const { peer, options } = await start(60);
    const { result } = await fetchAll({ ...options, at: { far: `${scheme}://data.example` } });
    expect(result.files.map(({ error }) => error?.code)).toEqual(['NO_SOURCE', 'NO_SOURCE']);
    expect(result.files[0]!.error!.message).toContain(`the proxy 127.0.0.1:${peer.port}`);
    // Of the files in progress at once, each may have had a request on the way when the host was given up.
    expect(peer.opened).toBeLessThanOrEqual(MOST_CONNECTIONS * files.length);
    expect(peer.open).toBe(0);
  });

  it('does not keep another source from delivering', async () => {
    const { peer, options } = await start(400);
    const near = await serveFiles(served);
    const { result, dir } = await fetchAll({
      ...options,
      at: { far: `${scheme}://data.example`, near: near.url },
    });
    expect(result.ok).toBe(true);
    expect(await contents(dir)).toEqual(holding(files));
    expect(peer.opened).toBeLessThanOrEqual(MOST_CONNECTIONS * files.length);
  });
});

it('proxy settings that pcam cannot use do not matter to a folder', async () => {
  const folder = await put(await temporaryFolder(), served);
  const proxy = { http: 'socks5://127.0.0.1:1', https: 'socks5://127.0.0.1:1' };
  const at = { far: 'https://data.example', near: { type: 'file', baseUrl: folder } };
  const { result, dir } = await fetchAll({ files, at, proxy });
  expect(result.ok).toBe(true);
  expect(await contents(dir)).toEqual(holding(files));
});
