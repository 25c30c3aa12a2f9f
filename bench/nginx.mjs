/** A real nginx on loopback over one folder, on a free port, for the benchmarks. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

/** @returns {Promise<{url: string, lastByte(): number, stop(): Promise<void>}>} lastByte: epoch seconds */
export async function startNginx({ folder, state }) {
  mkdirSync(state, { recursive: true });
  const port = await freePort();
  const log = join(state, 'access.log');
  const conf = join(state, 'nginx.conf');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (n) => `${n}_temp_path ${state}/${n};`,
  );
  writeFileSync(
    conf,
    `daemon off; pid ${state}/pid; error_log ${state}/error.log; worker_processes 1; user ${process.env.USER ?? 'root'};
events { worker_connections 256; }
http {
  log_format ends '$msec $status $body_bytes_sent';
  access_log ${log} ends; sendfile on; root ${folder}; ${temporary.join(' ')}
  server { listen 127.0.0.1:${port}; }
}
`,
  );
  const child = spawn('nginx', ['-c', conf], { stdio: ['ignore', 'ignore', 'inherit'] });
  await accepting(port, child);
  return {
    url: `http://127.0.0.1:${port}`,
    lastByte: () =>
      Math.max(
        ...readFileSync(log, 'utf8')
          .trim()
          .split('\n')
          .map((line) => Number(line.split(' ')[0])),
      ),
    stop: () =>
      new Promise((resolve) => {
        child.on('close', resolve);
        child.kill('SIGQUIT');
      }),
  };
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function accepting(port, child) {
  for (let tries = 0; tries < 250; tries++) {
    if (child.exitCode !== null) throw new Error('nginx did not start');
    const open = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true) || socket.destroy()).on('error', () =>
        resolve(false),
      );
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('nginx does not accept connections');
}
