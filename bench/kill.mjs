/**
 * kill -9 at random moments in one download, then the end: is the result right, and how many bytes came twice?
 *
 *     node bench/kill.mjs [MB, 120] [kills, 20] [MB a second, 8]
 */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServer } from '../demo/server.js';

const PCAM = fileURLToPath(new URL('../bin/pcam.js', import.meta.url));
const NAME = 'camelyonpatch_level_2_split_valid_x.h5';
export const CONNECTIONS = 4;

/**
 * @param {{ folder: string, bytes: number, kills: number, rate: number, say?: (line: string) => void }} options
 *   `rate` in bytes a second
 * @returns {Promise<{ right: boolean, kills: number, bytes: number, served: number, twice: number, requests: number }>}
 */
export async function killAndResume({ folder, bytes, kills, rate, say = () => {} }) {
  const data = randomBytes(bytes);
  const server = await serve({ folder, data, rate });
  const dir = join(folder, 'pcam');
  const args = [PCAM, 'download', '--manifest', join(folder, 'manifest.json'), '--dir', dir, '--quiet'];
  const served = () => server.requests.reduce((sum, request) => sum + request.sent, 0);
  let done = 0;
  try {
    while (done < kills) {
      const before = served();
      const child = spawn(process.execPath, [...args, '--connections', String(CONNECTIONS)], {
        stdio: 'inherit',
      });
      const closed = once(child, 'close');
      // Only a run that has begun to fetch is worth a kill.
      await Promise.race([closed, until(() => served() > before)]);
      await Promise.race([closed, sleep(Math.random() * 800)]);
      child.kill('SIGKILL');
      const [code] = await closed;
      if (code !== null)
        throw new Error(`the download ended with ${code} after ${done} kills: make the file larger`);
      say(`kill ${++done}: ${((served() - before) / 1e6).toFixed(1)} MB came before it`);
    }
    const last = spawn(process.execPath, args, { stdio: 'inherit' });
    const [code] = await once(last, 'close');
    const right = code === 0 && data.equals(await readFile(join(dir, NAME)));
    return {
      right,
      kills: done,
      bytes,
      served: served(),
      twice: served() - bytes,
      requests: server.requests.length,
    };
  } finally {
    await server.close();
  }
}

async function serve({ folder, data, rate }) {
  const served = join(folder, 'served');
  await mkdir(served, { recursive: true });
  await writeFile(join(served, NAME), data);
  const digest = (algorithm) => createHash(algorithm).update(data).digest('hex');
  const file = { name: NAME, split: 'valid', kind: 'images', bytes: data.length };
  const files = [{ ...file, md5: digest('md5'), sha256: digest('sha256') }];
  const manifest = { schemaVersion: 1, dataset: 'kill', sources: {}, files };
  await writeFile(join(served, 'manifest.json'), JSON.stringify(manifest));
  const server = await startServer({ folder: served, rate });
  manifest.sources = { web: { type: 'http', baseUrl: server.url } };
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
  return server;
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function until(condition) {
  while (!condition()) await sleep(5);
}

async function main() {
  const [megabytes = 120, kills = 20, rate = 8] = process.argv.slice(2).map(Number);
  const folder = await mkdtemp(join(tmpdir(), 'pcam-kill-'));
  try {
    const say = (line) => process.stdout.write(`${line}\n`);
    const result = await killAndResume({ folder, bytes: megabytes * 1e6, kills, rate: rate * 1e6, say });
    say(JSON.stringify(result));
    say(
      `${result.right ? 'right' : 'WRONG'} after ${kills} kills; ${(result.twice / 1e6).toFixed(1)} MB of ${megabytes} MB came ` +
        `twice, ${(result.twice / kills / 1e6).toFixed(2)} MB a kill`,
    );
    process.exitCode = result.right ? 0 : 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
