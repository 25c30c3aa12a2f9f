/** Downloads from nginx, a server that nobody here wrote. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Daemon, freePort, startDaemon } from '../support/daemon.js';
import { contents, fetchAll, holding } from '../support/download.js';
import { archive, noise, plainFile, put } from '../support/files.js';
import { temporaryFolder } from '../support/temp.js';
import { requireTool } from '../support/tools.js';

const nginx = await requireTool('nginx');
const x = archive('train_x.h5', noise(6_000_000, 1));
const meta = plainFile('train_meta.csv', Buffer.from('wsi,coord_x\n'.repeat(2000)), {
  unsized: true,
  noSha256: true,
});
const FILES = [x, meta];

interface Nginx {
  readonly url: string;
  readonly daemon: Daemon;
  start(): Promise<Daemon>;
  /** Status and range of each request for `name`. */
  log(name: string): Promise<string[]>;
}

/** @param settings lines for the server block, and for the http block around it */
async function serve(settings = '', around = ''): Promise<Nginx> {
  const root = await temporaryFolder();
  await put(join(root, 'www'), Object.fromEntries(FILES.map(({ file, served }) => [file.name, served])));
  await mkdir(join(root, 'tmp'));
  const port = await freePort();
  const conf = join(root, 'nginx.conf');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${root}/tmp/${name};`)
    .join('\n');
  // One process in the foreground: what is killed is all there is.
  await writeFile(
    conf,
    `daemon off; master_process off; pid ${root}/pid; error_log ${root}/error.log;
events {}
http {
  log_format ranges '$status $http_range $uri';
  access_log ${root}/access.log ranges;
  ${temporary}
  ${around}
  types { text/csv csv; }
  default_type application/octet-stream;
  server { listen 127.0.0.1:${port}; root ${root}/www; ${settings} }
}`,
  );
  const start = () => startDaemon(nginx!, ['-e', join(root, 'error.log'), '-c', conf], port);
  const log = async (name: string) => {
    const lines = (await readFile(join(root, 'access.log'), 'utf8')).split('\n');
    return lines.filter((line) => line.endsWith(`/${name}`));
  };
  return { url: `http://127.0.0.1:${port}`, daemon: await start(), start, log };
}

describe.skipIf(!nginx)('nginx', () => {
  it('gives ranges, several at once', async () => {
    const server = await serve();
    const { result, dir } = await fetchAll({ files: FILES, at: { nginx: server.url } });
    expect(result.files.map(({ status }) => status)).toEqual(['downloaded', 'downloaded']);
    expect(await contents(dir)).toEqual(holding(FILES));
    const log = await server.log(x.file.name);
    expect(log.length).toBeGreaterThan(1);
    for (const line of log) expect(line).toMatch(/^206 bytes=/);
  });

  it('without ranges gives whole files', async () => {
    const server = await serve('max_ranges 0;');
    const { result, dir } = await fetchAll({ files: FILES, at: { nginx: server.url } });
    expect(result.files.map(({ status }) => status)).toEqual(['downloaded', 'downloaded']);
    expect(result.files[0]!.transferred).toBe(x.served.length);
    expect(await contents(dir)).toEqual(holding(FILES));
    for (const line of await server.log(x.file.name)) expect(line).toMatch(/^200 /);
  });

  it('that would compress on the way gives the bytes as they are', async () => {
    const server = await serve('gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any;');
    const { result, dir } = await fetchAll({ files: FILES, at: { nginx: server.url } });
    expect(result.ok).toBe(true);
    expect(await contents(dir)).toEqual(holding(FILES));
  });

  it('that is slow is waited for', async () => {
    const server = await serve('limit_rate 2m; limit_rate_after 100k;');
    const { result, dir } = await fetchAll({ files: FILES, at: { nginx: server.url } });
    expect(result.ok).toBe(true);
    expect(await contents(dir)).toEqual(holding(FILES));
  });

  it('that allows few requests a second is asked again when it is time', async () => {
    const zone = 'limit_req_zone $binary_remote_addr zone=few:1m rate=2r/s;';
    const server = await serve('limit_req zone=few; limit_req_status 429;', zone);
    const { result, dir } = await fetchAll({ files: FILES, at: { nginx: server.url } });
    expect(result.ok).toBe(true);
    expect(await contents(dir)).toEqual(holding(FILES));
    // Which of the files was refused depends on who came first.
    const logs = await Promise.all(FILES.map(({ file }) => server.log(file.name)));
    expect(logs.flat().map((line) => line.split(' ')[0])).toContain('429');
  });

  it('that is killed in the middle, and comes back, costs little', async () => {
    const server = await serve('limit_rate 1m;');
    let restarted: Promise<unknown> | undefined;
    const { result, dir, events } = await fetchAll({
      files: [x],
      at: { nginx: server.url },
      connections: 2,
      onEvent: (event) => {
        if (event.type !== 'progress' || event.done < 2_000_000) return;
        restarted ??= server.daemon.stop().then(server.start);
      },
    });
    await restarted;
    expect(result.files[0]!.status).toBe('downloaded');
    expect(events.some(({ type }) => type === 'pause')).toBe(true);
    expect(result.files[0]!.transferred).toBeLessThan(x.served.length + 2 * 1024 * 1024);
    expect(await contents(dir)).toEqual(holding([x]));
  });

  it('answers 404 and 403 as such', async () => {
    const server = await serve(
      `location = /${x.file.name} { return 404; } location = /${meta.file.name} { return 403; }`,
    );
    const { result } = await fetchAll({ files: FILES, at: { nginx: server.url } });
    expect(result.files.map(({ error }) => error?.code)).toEqual(['NO_SOURCE', 'NO_SOURCE']);
    expect(await server.log(x.file.name)).toHaveLength(1);
  });
});
