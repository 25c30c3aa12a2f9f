/** Archives that are decompressed as they arrive, of which nothing is on the disk. */
import { readdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { contents, fetchAll, holding } from '../support/download.js';
import { archive, noise, put } from '../support/files.js';
import { listen, send, serveFiles } from '../support/server.js';
import { canMount, smallDisk } from '../support/small-disk.js';
import { temporaryFolder } from '../support/temp.js';

const MB = 1024 * 1024;
const x = archive('train_x.h5', noise(8 * MB, 1));
const y = archive('train_y.h5', noise(300, 2), { kind: 'labels' });
const name = x.file.name;
const flipped = Buffer.from(x.served);
flipped[5 * MB]! ^= 1;
const mountable = await canMount();

describe('a download with little room', () => {
  it('has nothing of the archive on the disk', async () => {
    const server = await serveFiles({ [name]: x.served, [y.file.name]: y.served });
    const dir = join(await temporaryFolder(), 'pcam');
    const seen = new Set<string>();
    const { result } = await fetchAll({
      files: [x, y],
      at: { web: server.url },
      dir,
      stream: true,
      onEvent: () => {
        for (const path of readdirSync(join(dir, '.pcam'), { recursive: true }))
          seen.add(basename(String(path)));
      },
    });
    expect(result.files.map(({ status, transferred }) => [status, transferred])).toEqual([
      ['downloaded', x.served.length],
      ['downloaded', y.served.length],
    ]);
    expect([...seen]).toContain('train_x.h5');
    expect([...seen].filter((one) => one.includes('.gz'))).toEqual([]);
    expect(await contents(dir)).toEqual(holding([x, y]));
    expect(await readdir(join(dir, '.pcam', 'tmp'))).toEqual([]);
  });

  it('works with a source that knows no ranges', async () => {
    const whole = await listen((_, response) => void response.end(x.served));
    expect(await fetched({ whole: whole.url })).toEqual(holding([x]));
  });

  it('works with several sources, one of them slow, one without ranges', async () => {
    const slow = await listen((request, response) => {
      setTimeout(() => send(request, response, x.served), 150);
    });
    const whole = await listen((_, response) => void response.end(x.served));
    const fast = await serveFiles({ [name]: x.served });
    expect(await fetched({ slow: slow.url, whole: whole.url, fast: fast.url })).toEqual(holding([x]));
  });

  it('works with a folder', async () => {
    const folder = await temporaryFolder();
    await put(folder, { [name]: x.served });
    expect(await fetched({ folder: { type: 'file', baseUrl: folder } })).toEqual(holding([x]));
  });

  it('keeps nothing that is wrong, and starts again with another source', async () => {
    const [bad, good] = [await serveFiles({ [name]: flipped }), await serveFiles({ [name]: x.served })];
    expect(await fetched({ bad: bad.url, good: good.url })).toEqual(holding([x]));
    const { result, dir } = await fetchAll({ files: [x], at: { bad: bad.url }, stream: true });
    expect(result.files[0]).toMatchObject({ status: 'failed', error: { code: 'DIGEST_MISMATCH' } });
    expect(await contents(dir)).toEqual({});
  });

  it('continues where a connection broke, within the run', async () => {
    let breaks = 3;
    const server = await listen((request, response) => {
      if (breaks-- > 0) response.on('pipe', () => {});
      if (breaks >= 0) setTimeout(() => response.destroy(), 5);
      send(request, response, x.served);
    });
    expect(await fetched({ web: server.url })).toEqual(holding([x]));
  });

  it('stops at once, leaves nothing behind, and starts again the next time', async () => {
    const server = await serveFiles({ [name]: x.served });
    const dir = join(await temporaryFolder(), 'pcam');
    const stop = new AbortController();
    const options = { files: [x], at: { web: server.url }, dir, stream: true };
    const interrupted = fetchAll({
      ...options,
      signal: stop.signal,
      onEvent: (event) => {
        if (event.type === 'progress' && event.done > 4 * MB) stop.abort();
      },
    });
    await expect(interrupted).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await readdir(dir).catch(() => [])).toEqual([]);
    const { result } = await fetchAll(options);
    expect(result.files[0]).toMatchObject({ status: 'downloaded', transferred: x.served.length });
    expect(await contents(dir)).toEqual(holding([x]));
  });
});

describe.skipIf(!mountable)('a small disk', () => {
  it('of a tenth more than the decompressed file is enough, and the reason is reported', async () => {
    const large = archive('train_x.h5', noise(24 * MB, 3));
    const server = await serveFiles({ [name]: large.served });
    await using disk = await smallDisk(Math.floor(24 * MB * 1.1));
    const dir = join(disk.folder, 'pcam');
    const { result, events } = await fetchAll({ files: [large], at: { web: server.url }, dir });
    expect(result.files[0]).toMatchObject({ status: 'downloaded', streamed: true });
    expect(await contents(dir)).toEqual(holding([large]));
    const notices = events.filter((event) => event.type === 'notice');
    expect(notices.map(({ message }) => message).join('\n')).toMatch(
      /MB free, and a download normally needs .* MB: nothing is kept of .* \(train_x\.h5\.gz\)/,
    );
  });

  it('goes on with what is there of the archive', async () => {
    const server = await serveFiles({ [name]: x.served });
    await using disk = await smallDisk(20 * MB);
    const dir = join(disk.folder, 'pcam');
    const stop = new AbortController();
    const interrupted = fetchAll({
      files: [x],
      at: { web: server.url },
      dir,
      signal: stop.signal,
      onEvent: (event) => {
        if (event.type === 'progress' && event.done > 4 * MB) stop.abort();
      },
    });
    await expect(interrupted).rejects.toMatchObject({ code: 'ABORTED' });
    await disk.resize(14 * MB);
    await expect(fetchAll({ files: [x], at: { web: server.url }, dir })).rejects.toMatchObject({
      code: 'DISK_FULL',
    });
    await disk.resize(20 * MB);
    const { result } = await fetchAll({ files: [x], at: { web: server.url }, dir, stream: true });
    expect(result.files[0]!.status).toBe('resumed');
  });
});

async function fetched(at: Parameters<typeof fetchAll>[0]['at']): Promise<Record<string, string>> {
  const { dir } = await fetchAll({ files: [x], at, stream: true });
  return contents(dir);
}
