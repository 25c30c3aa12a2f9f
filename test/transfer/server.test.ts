/** What a real server sees of a transfer: how many connections at most, and how many bytes are asked for by when. */
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { fetchAll, type Outcome } from '../support/download.js';
import { noise, plainFile } from '../support/files.js';

const file = plainFile('a.csv', noise(6_000_000));

interface Watched {
  url: string;
  /** Most connections that were open at once. */
  most: number;
  connections: number;
  requests: number;
}

async function watch(listener: RequestListener): Promise<Watched> {
  const seen: Watched = { url: '', most: 0, connections: 0, requests: 0 };
  const server = createServer((request, response) => {
    response.on('error', () => {});
    seen.requests++;
    listener(request, response);
  });
  let open = 0;
  server.on('connection', (socket) => {
    seen.connections++;
    seen.most = Math.max(seen.most, ++open);
    socket.on('close', () => open--);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  seen.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return seen;
}

/** Sends what was asked for in small steps: `step` says after how many ms the next one, or cuts the connection. */
function serve(step: (sent: number) => number | 'cut'): RequestListener {
  return (request, response) => {
    const [, first, last] = /bytes=(\d+)-(\d*)/.exec(request.headers.range!)!;
    const body = file.served.subarray(Number(first), last === '' ? undefined : Number(last) + 1);
    response.writeHead(206, {
      etag: '"1"',
      'content-length': String(body.length),
      'content-range': `bytes ${first}-${Number(first) + body.length - 1}/${file.served.length}`,
    });
    send(response, body, step);
  };
}

function send(response: ServerResponse, body: Buffer, step: (sent: number) => number | 'cut', at = 0): void {
  if (response.destroyed) return;
  if (at >= body.length) return void response.end();
  const wait = step(at);
  if (wait === 'cut') return void response.socket?.resetAndDestroy();
  response.write(body.subarray(at, at + 64 * 1024), () => {
    setTimeout(() => send(response, body, step, at + 64 * 1024), wait);
  });
}

function expectWhole({ result }: Outcome): void {
  expect(result.files[0]).toMatchObject({
    status: 'downloaded',
    transferred: file.served.length,
    sources: { web: file.served.length },
  });
}

it.each([1, 3])(
  'never more connections than allowed, whatever is cut and divided (%d)',
  async (connections) => {
    let requests = 0;
    const steady = serve(() => 1);
    const broken = serve((sent) => (sent > 200_000 ? 'cut' : 1));
    const slow = serve(() => 20);
    const server = await watch((request, response) => {
      const kinds = [steady, broken, slow];
      kinds[requests++ % kinds.length]!(request, response);
    });
    expectWhole(
      await fetchAll({ files: [file], at: { web: server.url }, connections, pauses: { first: 1 } }),
    );
    expect(server.most).toBeLessThanOrEqual(connections);
  },
);

it('one connection carries many requests', async () => {
  // Each reply brings half a megabyte, whatever was asked for.
  const server = await watch((request, response) => {
    const [, first, last] = /bytes=(\d+)-(\d+)/.exec(request.headers.range!)!;
    request.headers.range = `bytes=${first}-${Math.min(Number(last), Number(first) + 499_999)}`;
    serve(() => 0)(request, response);
  });
  expectWhole(await fetchAll({ files: [file], at: { web: server.url }, connections: 1 }));
  expect(server.requests).toBe(12);
  // One more where the machine is so busy that the server gives up on an idle connection.
  expect(server.connections).toBeLessThanOrEqual(2);
});

it('a limit holds from the first moment: no more is asked for than its time allows', async () => {
  const limitRate = 20_000_000;
  const began = performance.now();
  let asked = 0;
  const early: number[] = [];
  const server = await watch((request, response) => {
    const [, first, last] = /bytes=(\d+)-(\d+)/.exec(request.headers.range!)!;
    asked += Number(last) + 1 - Number(first);
    early.push(asked - ((performance.now() - began) / 1000) * limitRate);
    serve(() => 0)(request, response);
  });
  expectWhole(await fetchAll({ files: [file], at: { web: server.url }, limitRate }));
  expect(performance.now() - began).toBeGreaterThanOrEqual((file.served.length / limitRate) * 1000);
  expect(Math.max(...early)).toBeLessThanOrEqual(0);
});
