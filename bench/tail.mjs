/**
 * What a slow, silent or broken second source costs: 12 MB over loopback from a source of 1 MB/s per connection, alone
 * and with another one beside it. Each result is checked.
 *
 *     node bench/tail.mjs
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { download, parseManifest } from '../dist/index.js';

const BYTES = 12_000_000;
const FAST = 1_000_000;
const data = randomBytes(BYTES);
const md5 = createHash('md5').update(data).digest('hex');

/** Bytes per second of each connection, by source; 0 never answers. */
const ROWS = [
  ['the fast source alone', [FAST]],
  ['20 kB/s first', [20_000, FAST]],
  ['20 kB/s second', [FAST, 20_000]],
  ['100 B/s first', [100, FAST]],
  ['silent first', [0, FAST]],
  ['silent second', [FAST, 0]],
  ['two fast ones', [FAST, FAST]],
];

async function serve(rate) {
  const server = createServer((request, response) => {
    if (rate === 0) return;
    const [, first, last] = /bytes=(\d+)-(\d*)/.exec(request.headers.range);
    const start = Number(first);
    const end = last === '' ? BYTES : Number(last) + 1;
    response.on('error', () => {});
    response.writeHead(206, {
      etag: '"1"',
      'content-range': `bytes ${start}-${end - 1}/${BYTES}`,
      'content-length': end - start,
    });
    send(response, data.subarray(start, end), rate, performance.now());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** Sends what is due by now, a hundred times per second. */
function send(response, body, rate, began, sent = 0) {
  if (response.destroyed) return;
  const due = Math.min(body.length, Math.floor(((performance.now() - began) / 1000) * rate) + 1);
  response.write(body.subarray(sent, due));
  if (due === body.length) response.end();
  else setTimeout(() => send(response, body, rate, began, due), 10);
}

async function measure(rates) {
  const servers = await Promise.all(rates.map(serve));
  const dir = await mkdtemp(join(tmpdir(), 'pcam-tail-'));
  const place = (server) => ({ type: 'http', baseUrl: `http://127.0.0.1:${server.address().port}` });
  const sources = Object.fromEntries(servers.map((server, i) => [`s${i}`, place(server)]));
  const files = [{ name: 'x.csv', split: 'train', kind: 'meta', bytes: BYTES, md5 }];
  try {
    const began = performance.now();
    const result = await download({
      dir,
      manifest: parseManifest({ schemaVersion: 1, dataset: 'tail', sources, files }),
    });
    const seconds = (performance.now() - began) / 1000;
    if (!data.equals(await readFile(join(dir, 'x.csv')))) throw new Error('the bytes are wrong');
    if (result.files[0].transferred !== BYTES) throw new Error('bytes were counted twice, or not at all');
    return { seconds, sources: result.files[0].sources };
  } finally {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    await rm(dir, { recursive: true });
  }
}

let alone;
for (const [name, rates] of ROWS) {
  const { seconds, sources } = await measure(rates);
  alone ??= seconds;
  process.stdout.write(
    `${name}: ${seconds.toFixed(2)} s, ${(seconds / alone).toFixed(2)} times the fast one alone ${JSON.stringify(sources)}\n`,
  );
}
