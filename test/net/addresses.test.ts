/** A host with several addresses: each gets seconds, and the one that worked is tried first the next time. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HttpClient } from '#pcam/net/http.js';

const { signal } = new AbortController();

/** Listens, and is too busy to take connections for a while: the kernel drops the first packets of those that come. */
const SLOW_SERVER = `
const server = require('node:http').createServer((_, response) => response.end('slow'));
server.listen(0, '127.0.0.1', 1, () => {
  process.stdout.write(String(server.address().port), () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700);
  });
});`;

async function startSlowServer(): Promise<number> {
  const child = spawn(process.execPath, ['-e', SLOW_SERVER], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill());
  const [port] = await once(child.stdout, 'data');
  // As many as the kernel keeps for a server that does not take them.
  for (let i = 0; i < 4; i++) {
    const socket = connect(Number(port), '127.0.0.1').on('error', () => {});
    onTestFinished(() => void socket.destroy());
  }
  return Number(port);
}

async function listenAt(server: Server, host: string, port = 0): Promise<AddressInfo> {
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  onTestFinished(() => void server.close());
  return server.address() as AddressInfo;
}

function clientWith(addresses: readonly string[]) {
  const asked: string[] = [];
  const lookup = async (name: string) => {
    asked.push(name);
    return addresses.map((address) => ({ address, family: 4 }));
  };
  const client = new HttpClient({ lookup });
  onTestFinished(() => client.close());
  return { client, asked };
}

describe('a name with two addresses', () => {
  it.skipIf(process.platform !== 'linux')(
    'is reached though the first one takes a second',
    async () => {
      const port = await startSlowServer();
      // Nobody listens at the second one.
      const { client } = clientWith(['127.0.0.1', '127.0.0.9']);
      const began = performance.now();
      const reply = await client.fetch(`http://far.example:${port}/`, { signal });
      expect(await reply.text(10)).toBe('slow');
      // The kernel sends a packet that was dropped again after a second: else the server was not slow.
      expect(performance.now() - began).toBeGreaterThan(300);
    },
    20_000,
  );

  it.skipIf(process.platform !== 'linux')('is asked first at the one that worked before', async () => {
    const closing = (text: string) =>
      createServer((_, response) => response.setHeader('connection', 'close').end(text));
    const [first, second] = [closing('first'), closing('second')];
    const { port } = await listenAt(second, '127.0.0.1');
    const { client, asked } = clientWith(['127.0.0.9', '127.0.0.1']);
    const ask = async () => (await client.fetch(`http://near.example:${port}/`, { signal })).text(10);
    expect(await ask()).toBe('second');
    await listenAt(first, '127.0.0.9', port);
    expect(await ask()).toBe('second');
    expect(asked).toEqual(['near.example', 'near.example']);
  });
});
