/** From a manifest to verified files: what each run says of each file, and what lies in the folder afterwards. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { download } from '#pcam/download/download.js';
import { contents, fetchAll, holding } from '../support/download.js';
import { archive, manifestOf, noise, plainFile, put } from '../support/files.js';
import { pcamError } from '../support/outcome.js';
import { CHUNK, partialPaths, putPartial } from '../support/part.js';
import { lastPart, listen, send, serveFiles } from '../support/server.js';
import { temporaryFolder } from '../support/temp.js';

const x = archive('train_x.h5', noise(9000, 1));
const y = archive('train_y.h5', noise(300, 2), { kind: 'labels' });
const meta = plainFile('valid_meta.csv', noise(500, 3), { split: 'valid', unsized: true, noSha256: true });
const FILES = [x, y, meta];
const SERVED = Object.fromEntries(FILES.map(({ file, served }) => [file.name, served]));
const total = x.served.length + y.served.length + meta.served.length;

describe('download', () => {
  it('fetches, verifies and decompresses all files, and reports it as documented', async () => {
    const server = await serveFiles(SERVED);
    const { result, dir } = await fetchAll({ files: FILES, at: { web: server.url } });
    expect(result).toEqual({
      ok: true,
      files: FILES.map(({ file, served }) => ({
        name: file.name,
        status: 'downloaded',
        path: join(dir, file.extracted?.name ?? file.name),
        bytes: served.length,
        transferred: served.length,
        sources: { web: served.length },
      })),
    });
    expect(await contents(dir)).toEqual(holding(FILES));
    expect(await readdir(join(dir, '.pcam', 'partial'))).toEqual([]);
    expect(await readdir(join(dir, '.pcam', 'tmp'))).toEqual([]);
    expect(existsSync(join(dir, '.pcam', 'lock'))).toBe(false);
  });

  it('fetches nothing twice', async () => {
    const server = await serveFiles(SERVED);
    const { dir } = await fetchAll({ files: FILES, at: { web: server.url } });
    const before = server.requests.length;
    const { result } = await fetchAll({ files: FILES, at: { web: server.url }, dir });
    expect(
      result.files.map(({ status, transferred, sources }) => ({ status, transferred, sources })),
    ).toEqual(FILES.map(() => ({ status: 'present', transferred: 0, sources: {} })));
    expect(result.files.map(({ bytes }) => bytes)).toEqual(FILES.map(({ served }) => served.length));
    expect(server.requests.length).toBe(before);
  });

  it('fetches again what is gone or was changed, though size and mtime are the same', async () => {
    const server = await serveFiles(SERVED);
    const { dir } = await fetchAll({ files: FILES, at: { web: server.url } });
    const path = join(dir, 'train_x.h5');
    const { mtime } = await stat(path);
    await writeFile(path, noise(9000, 99));
    await utimes(path, mtime, mtime);
    await rm(join(dir, 'valid_meta.csv'));
    const { result } = await fetchAll({ files: FILES, at: { web: server.url }, dir });
    expect(result.files.map(({ status }) => status)).toEqual(['downloaded', 'present', 'downloaded']);
    expect(await contents(dir)).toEqual(holding(FILES));
  });

  it('fetches the chosen files alone', async () => {
    const server = await serveFiles(SERVED);
    const { result, dir } = await fetchAll({ files: FILES, at: { web: server.url }, kinds: ['labels'] });
    expect(result.files.map(({ name }) => name)).toEqual([y.file.name]);
    expect(await contents(dir)).toEqual(holding([y]));
  });

  it('begins with labels and metadata, whatever the order of the manifest', async () => {
    const server = await serveFiles(SERVED);
    const { result } = await fetchAll({ files: FILES, at: { web: server.url }, jobs: 1 });
    expect(server.requests.map(({ path }) => path.slice(1))).toEqual(
      [y, meta, x].map(({ file }) => file.name),
    );
    expect(result.files.map(({ name }) => name)).toEqual(FILES.map(({ file }) => file.name));
  });

  it('keeps archives, or nothing but archives, as the options say', async () => {
    const server = await serveFiles(SERVED);
    const kept = await fetchAll({ files: FILES, at: { web: server.url }, keepArchives: true });
    expect(await contents(kept.dir)).toEqual({ ...holding(FILES), ...holding([x, y], 'served') });
    const raw = await fetchAll({ files: FILES, at: { web: server.url }, extract: false });
    expect(await contents(raw.dir)).toEqual(holding(FILES, 'served'));
    expect(raw.result.files.map(({ status }) => status)).toEqual(FILES.map(() => 'downloaded'));
    const again = await fetchAll({ files: FILES, at: { web: server.url }, extract: false, dir: raw.dir });
    expect(again.result.files.map(({ status }) => status)).toEqual(FILES.map(() => 'present'));
  });

  it('decompresses archives that an earlier run left as they are, without the network', async () => {
    const server = await serveFiles(SERVED);
    const { dir } = await fetchAll({ files: FILES, at: { web: server.url }, extract: false });
    const before = server.requests.length;
    const { result } = await fetchAll({ files: FILES, at: { web: server.url }, dir });
    expect(result.files.map(({ status }) => status)).toEqual(['imported', 'imported', 'present']);
    expect(await contents(dir)).toEqual(holding(FILES));
    expect(server.requests.length).toBe(before);
  });

  it('fetches everything again when forced', async () => {
    const server = await serveFiles(SERVED);
    const { dir } = await fetchAll({ files: FILES, at: { web: server.url } });
    const { result } = await fetchAll({ files: FILES, at: { web: server.url }, dir, force: true });
    expect(result.files.map(({ status }) => status)).toEqual(FILES.map(() => 'downloaded'));
    expect(result.files.reduce((sum, { transferred }) => sum + transferred, 0)).toBe(total);
  });

  it('keeps what is right when a forced run cannot be served', async () => {
    const server = await serveFiles(SERVED);
    const { dir } = await fetchAll({ files: FILES, at: { web: server.url } });
    const empty = await serveFiles({});
    const { result } = await fetchAll({ files: FILES, at: { web: empty.url }, dir, force: true });
    expect(result.files.map(({ error }) => error?.code)).toEqual(FILES.map(() => 'NO_SOURCE'));
    expect(await contents(dir)).toEqual(holding(FILES));
  });

  it('fetches what it can when one file fails', async () => {
    const server = await serveFiles({ ...SERVED, [y.file.name]: noise(y.served.length, 7) });
    const { result, dir } = await fetchAll({ files: FILES, at: { web: server.url } });
    expect(result.ok).toBe(false);
    expect(result.files.map(({ status }) => status)).toEqual(['downloaded', 'failed', 'downloaded']);
    expect(await contents(dir)).toEqual(holding([x, meta]));
  });

  it('takes an empty file', async () => {
    const nothing = plainFile('empty.csv', Buffer.alloc(0));
    const server = await serveFiles({ 'empty.csv': Buffer.alloc(0) });
    const { result, dir } = await fetchAll({ files: [nothing], at: { web: server.url } });
    expect(result.ok).toBe(true);
    expect(await contents(dir)).toEqual(holding([nothing]));
  });

  it('counts bytes of sources whose ids every object has', async () => {
    const server = await serveFiles(SERVED);
    for (const id of ['constructor', 'toString', 'valueOf']) {
      const { result } = await fetchAll({ files: [y], at: { [id]: server.url } });
      expect(result.files[0]).toMatchObject({ transferred: y.served.length });
      expect(result.files[0]!.sources).toEqual({ [id]: y.served.length });
    }
  });

  it('works with a folder as its source', async () => {
    const folder = await put(await temporaryFolder(), SERVED);
    const { result, dir } = await fetchAll({ files: FILES, at: { here: { type: 'file', baseUrl: folder } } });
    expect(result.files[0]).toMatchObject({ status: 'downloaded', sources: { here: x.served.length } });
    expect(await contents(dir)).toEqual(holding(FILES));
    expect(await contents(folder)).toEqual(holding(FILES, 'served'));
  });

  it('asks a mirror first, and the sources for what it does not have', async () => {
    const web = await serveFiles(SERVED);
    const folder = await put(await temporaryFolder(), { [y.file.name]: y.served });
    const { result } = await fetchAll({ files: [x, y], at: { web: web.url }, mirrors: [folder] });
    expect(result.files.map(({ sources }) => sources)).toEqual([
      { web: x.served.length },
      { mirror: y.served.length },
    ]);
  });
});

describe('a dry run', () => {
  it('says what would be done, and does not even make the folder', async () => {
    const server = await serveFiles(SERVED);
    const dir = join(await temporaryFolder(), 'none');
    const { result } = await fetchAll({ files: FILES, at: { web: server.url }, dir, dryRun: true });
    expect(result).toMatchObject({ ok: true, dryRun: true });
    expect(result.files.map(({ status, transferred }) => [status, transferred])).toEqual(
      FILES.map(() => ['would-download', 0]),
    );
    expect(existsSync(dir)).toBe(false);
    expect(server.requests).toHaveLength(0);
  });

  it('changes nothing in a folder that has all kinds of things', async () => {
    const dir = await put(await temporaryFolder(), {
      'train_x.h5.gz': x.served.subarray(0, 100),
      'train_y.h5.gz': y.served,
      'valid_meta.csv': meta.plain,
    });
    const before = await readdir(dir);
    const { result } = await fetchAll({ files: FILES, at: { web: 'http://127.0.0.1:1' }, dir, dryRun: true });
    expect(result.files.map(({ status }) => status)).toEqual(['would-resume', 'would-import', 'present']);
    expect(await readdir(dir)).toEqual(before);
  });

  it('knows a download that was interrupted', async () => {
    const dir = await temporaryFolder();
    await putPartial(dir, x.file, { content: x.served, chunks: [0] });
    const { result } = await fetchAll({ files: [x], at: { web: 'http://127.0.0.1:1' }, dir, dryRun: true });
    expect(result.files[0]!.status).toBe('would-resume');
  });

  it('says what would fail, and why', async () => {
    const dir = await put(await temporaryFolder(), { 'train_y.h5/precious': 'mine' });
    const huge = plainFile('huge.csv', Buffer.alloc(1), { fields: { bytes: 2 ** 52 } });
    const drive = plainFile('drive.csv', Buffer.alloc(1), { fields: { gdriveId: undefined } });
    const files = [y, huge, drive];
    const at = { gdrive: { type: 'google-drive', baseUrl: 'http://127.0.0.1:1' } };
    const { result } = await fetchAll({ files, at, dir, dryRun: true });
    expect(result.ok).toBe(false);
    expect(result.files.map(({ status, error }) => [status, error?.code])).toEqual([
      ['would-fail', 'IO'],
      ['would-fail', 'DISK_FULL'],
      ['would-fail', 'NO_SOURCE'],
    ]);
  });
});

describe('obstacles', () => {
  const at = { web: 'http://127.0.0.1:1' };

  it('a file where the folder should be', async () => {
    const folder = await put(await temporaryFolder(), { pcam: 'a file' });
    for (const dir of [join(folder, 'pcam'), join(folder, 'pcam', 'below')]) {
      const error = await pcamError(fetchAll({ files: FILES, at, dir }));
      expect(error).toMatchObject({ code: 'NOT_A_FOLDER', exitCode: 5 });
    }
  });

  it('a folder where a file should be: the others are brought, and nothing is removed', async () => {
    const server = await serveFiles(SERVED);
    for (const name of ['train_x.h5', 'train_x.h5.gz']) {
      const dir = await put(await temporaryFolder(), { [`${name}/precious`]: 'mine' });
      const run = fetchAll({ files: FILES, at: { web: server.url }, dir });
      const failed = await run.then(
        ({ result }) => result.files.find(({ error }) => error)?.error?.code,
        (error) => error.code,
      );
      expect(failed).toBe('IO');
      expect(await readdir(join(dir, name))).toEqual(['precious']);
    }
  });

  it('a link that leads nowhere is replaced', async () => {
    const server = await serveFiles(SERVED);
    const dir = await temporaryFolder();
    await symlink(join(dir, 'nowhere'), join(dir, 'train_y.h5'));
    const { result } = await fetchAll({ files: [y], at: { web: server.url }, dir });
    expect(result.ok).toBe(true);
    expect(await contents(dir)).toEqual(holding([y]));
  });

  it('a disk that is too small for what the manifest announces', async () => {
    const huge = plainFile('huge.csv', Buffer.alloc(1), { fields: { bytes: 2 ** 52 } });
    const dir = join(await temporaryFolder(), 'pcam');
    const error = await pcamError(fetchAll({ files: [huge], at, dir }));
    expect(error).toMatchObject({
      code: 'DISK_FULL',
      exitCode: 5,
      expected: expect.stringMatching(/^45\d{14} bytes$/),
    });
  });

  it('no source that answers: no empty folder is left behind, and none is removed that was there', async () => {
    const folder = await temporaryFolder();
    const dir = join(folder, 'a', 'b', 'pcam');
    const server = await listen((_, response) => response.writeHead(404).end());
    const { result } = await fetchAll({ files: [y], at: { web: server.url }, dir });
    expect(result.ok).toBe(false);
    expect(await readdir(folder)).toEqual([]);
    await mkdir(dir, { recursive: true });
    await fetchAll({ files: [y], at: { web: server.url }, dir });
    expect(await readdir(dir)).toEqual([]);
    const stop = new AbortController();
    const silent = await listen(() => stop.abort());
    const run = fetchAll({ files: [y], at: { web: silent.url }, dir: join(dir, 'c'), signal: stop.signal });
    expect((await pcamError(run)).code).toBe('ABORTED');
    expect(await readdir(dir)).toEqual([]);
  });

  it.each([
    ['a source that is not in the manifest', { sources: ['wbe'] }],
    ['a mirror of another kind', { mirrors: ['ftp://x'] }],
    ['a --from that is not there', { from: '/nowhere/at/all' }],
    ['no connections', { connections: 0 }],
    ['half a job', { jobs: 0.5 }],
    ['no speed', { limitRate: 0 }],
    ['a split that the manifest does not have', { splits: ['test' as const] }],
  ])('%s: wrong usage, before anything is made', async (_, options) => {
    const dir = join(await temporaryFolder(), 'none');
    const error = await pcamError(fetchAll({ files: FILES, at, dir, ...options }));
    expect(error).toMatchObject({ code: 'USAGE', exitCode: 2 });
    expect(existsSync(dir)).toBe(false);
  });

  it('a signal that came before', async () => {
    const stop = new AbortController();
    stop.abort();
    expect((await pcamError(fetchAll({ files: FILES, at, signal: stop.signal }))).code).toBe('ABORTED');
  });
});

describe('an archive whose digests are right and whose content is not', () => {
  const plain = noise(4000, 5);
  const good = archive('train_x.h5', plain);

  it.each([
    ['ends early', archive('train_x.h5', plain, { served: good.served.subarray(0, -9) }), 'BAD_GZIP'],
    [
      'has trailing bytes',
      archive('train_x.h5', plain, { served: Buffer.concat([good.served, Buffer.from('more')]) }),
      'BAD_GZIP',
    ],
    ['is no gzip', archive('train_x.h5', plain, { served: plain }), 'BAD_GZIP'],
    [
      'is a bomb',
      archive('train_x.h5', plain, { served: archive('b', Buffer.alloc(3e6)).served }),
      'BAD_GZIP',
    ],
    [
      'holds something else',
      archive('train_x.h5', plain, { served: archive('o', noise(4000, 6)).served }),
      'DIGEST_MISMATCH',
    ],
    [
      'holds less than the manifest says',
      archive('train_x.h5', plain, {
        fields: { extracted: { name: 'train_x.h5', md5: good.file.extracted!.md5, bytes: 4001 } },
      }),
      'DIGEST_MISMATCH',
    ],
  ])('%s: nothing is written under its name, and the archive is kept', async (_, bad, code) => {
    const server = await serveFiles({ [bad.file.name]: bad.served, [y.file.name]: y.served });
    const { result, dir } = await fetchAll({ files: [bad, y], at: { web: server.url } });
    expect(result.files.map(({ status }) => status)).toEqual(['failed', 'downloaded']);
    expect(result.files[0]!.error).toMatchObject({ code });
    expect(await contents(dir)).toEqual(holding([y]));
    const [partial] = partialPaths(dir, 'train_x.h5.gz');
    expect((await stat(partial!)).size).toBe(bad.served.length);
    const before = server.requests.length;
    const again = await fetchAll({ files: [bad], at: { web: server.url }, dir });
    expect(again.result.files[0]!).toMatchObject({ status: 'failed', transferred: 0, error: { code } });
    expect(server.requests.length).toBe(before);
  });
});

describe('servers of all kinds', () => {
  const large = archive('train_x.h5', noise(3_000_000, 8));

  it('parallel ranges in one file', async () => {
    const several = archive('several.h5', noise(9_000_000));
    const server = await serveFiles({ [several.file.name]: several.served });
    const { result } = await fetchAll({ files: [several], at: { web: server.url } });
    expect(result.files[0]!.status).toBe('downloaded');
    expect(server.requests.length).toBeGreaterThan(1);
    // Pieces are divided on the way, and still each byte counts once.
    expect(result.files[0]!.transferred).toBe(several.served.length);
  });

  it.each([
    ['without Range', { noRange: true }],
    ['without Range and Content-Length', { noRange: true, noLength: true }],
    ['without Content-Length', { noLength: true }],
  ])('%s', async (_, options) => {
    const server = await serveFiles({ ...SERVED, [large.file.name]: large.served }, options);
    const files = [large, y, meta];
    const { result, dir } = await fetchAll({ files, at: { web: server.url } });
    expect(result.files.map(({ status }) => status)).toEqual(files.map(() => 'downloaded'));
    expect(await contents(dir)).toEqual(holding(files));
  });

  it('one that sends less than it is asked for, each time', async () => {
    const server = await listen((request, response) => {
      const [, start] = /bytes=(\d+)-/.exec(request.headers.range!)!;
      const end = Math.min(Number(start) + 1_000_000, large.served.length) - 1;
      request.headers.range = `bytes=${start}-${end}`;
      send(request, response, large.served);
    });
    const { result } = await fetchAll({ files: [large], at: { web: server.url }, connections: 1 });
    expect(result.files[0]).toMatchObject({ status: 'downloaded', transferred: large.served.length });
  });

  it('one that closes the connection in the middle, each time', async () => {
    const server = await listen((request, response) => {
      const [, start] = /bytes=(\d+)-/.exec(request.headers.range!)!;
      const rest = large.served.length - Number(start);
      response.writeHead(206, {
        'content-range': `bytes ${start}-${large.served.length - 1}/${large.served.length}`,
        'content-length': String(rest),
      });
      const part = large.served.subarray(Number(start), Number(start) + 1_200_000);
      if (part.length === rest) response.end(part);
      else response.write(part, () => response.destroy());
    });
    const { result, events } = await fetchAll({ files: [large], at: { web: server.url }, connections: 1 });
    expect(result.files[0]!.status).toBe('downloaded');
    expect(events.some(({ type }) => type === 'pause')).toBe(true);
    expect(result.files[0]!.transferred).toBeLessThanOrEqual(large.served.length + 2_000_000);
  });

  it('one that is busy at first, and says for how long', async () => {
    let refused = 0;
    const server = await listen((request, response) => {
      if (refused++ < 2)
        return void response.writeHead(refused === 1 ? 429 : 503, { 'retry-after': '0' }).end();
      send(request, response, SERVED[lastPart(request)]!, { headers: { 'retry-after': '3600' } });
    });
    const { result, events } = await fetchAll({ files: [y], at: { web: server.url } });
    expect(result.ok).toBe(true);
    expect(events.filter(({ type }) => type === 'pause')).toHaveLength(2);
  });

  it('one that answers with a page', async () => {
    const page = await listen((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Log in</html>');
    });
    const web = await serveFiles(SERVED);
    const { result, dir } = await fetchAll({ files: FILES, at: { page: page.url, web: web.url } });
    expect(result.files.map(({ sources }) => Object.keys(sources))).toEqual(FILES.map(() => ['web']));
    expect(await contents(dir)).toEqual(holding(FILES));
  });

  it('continues from another source in the middle of a file, and keeps what is there', async () => {
    let served = 0;
    const first = await listen((request, response) => {
      if (served++ > 0) return void response.writeHead(404).end();
      request.headers.range = 'bytes=0-1048575';
      send(request, response, large.served);
    });
    const second = await serveFiles({ [large.file.name]: large.served });
    const { result } = await fetchAll({
      files: [large],
      at: { first: first.url, second: second.url },
      connections: 1,
    });
    expect(result.files[0]!.sources).toEqual({ first: 1048576, second: large.served.length - 1048576 });
  });
});

describe('an interrupted run', () => {
  const large = archive('train_x.h5', noise(5_000_000, 9));

  it('continues from what is there', async () => {
    const stop = new AbortController();
    const server = await listen((request, response) => {
      if (stop.signal.aborted) return send(request, response, large.served);
      const [, start, last] = /bytes=(\d+)-(\d+)/.exec(request.headers.range!)!;
      response.writeHead(206, {
        'content-range': `bytes ${start}-${last}/${large.served.length}`,
        'content-length': String(Number(last) + 1 - Number(start)),
      });
      response.write(large.served.subarray(Number(start), 3_000_000)); // and no more
    });
    const dir = join(await temporaryFolder(), 'pcam');
    const run = fetchAll({
      files: [large],
      at: { web: server.url },
      dir,
      connections: 1,
      signal: stop.signal,
      onEvent: (event) => {
        if (event.type === 'progress' && event.done >= 3_000_000) stop.abort();
      },
    });
    expect((await pcamError(run)).code).toBe('ABORTED');
    expect(existsSync(join(dir, 'train_x.h5'))).toBe(false);
    expect(existsSync(join(dir, '.pcam', 'lock'))).toBe(false);
    const again = await fetchAll({ files: [large], at: { web: server.url }, dir, connections: 1 });
    const kept = Math.floor(3_000_000 / CHUNK) * CHUNK;
    expect(again.result.files[0]).toMatchObject({
      status: 'resumed',
      transferred: large.served.length - kept,
    });
    // What was there before is no speed.
    const fetching = again.events.filter((event) => event.type === 'progress' && event.step === 'fetch');
    expect(fetching[0]).toMatchObject({ done: kept, resumed: kept });
  });

  it('removes what it had half decompressed, and the temporary files of one that was killed', async () => {
    const server = await serveFiles(SERVED);
    const dir = await put(await temporaryFolder(), {
      '.pcam/tmp/train_y.h5': 'half',
      '.pcam/tmp/old/er': '',
    });
    await fetchAll({ files: [y], at: { web: server.url }, dir });
    expect(await readdir(join(dir, '.pcam', 'tmp'))).toEqual([]);
  });

  it('is not run twice at once in one folder', async () => {
    const dir = join(await temporaryFolder(), 'pcam');
    let second: Promise<unknown> | undefined;
    const server = await listen((request, response) => {
      second ??= pcamError(fetchAll({ files: [y], at: { web: server.url }, dir })).then((error) => {
        send(request, response, y.served);
        return error;
      });
    });
    const { result } = await fetchAll({ files: [y], at: { web: server.url }, dir });
    expect(result.ok).toBe(true);
    expect(await second).toMatchObject({ code: 'LOCKED', exitCode: 5 });
  });
});

it('does not change the options or the manifest that it is given', async () => {
  const server = await serveFiles(SERVED);
  const manifest = manifestOf([y], { web: { type: 'http', baseUrl: server.url } });
  const options = { manifest, dir: join(await temporaryFolder(), 'pcam'), splits: ['train' as const] };
  const copy = structuredClone(options);
  await download(Object.freeze(options));
  expect(options).toEqual(copy);
});

it('makes the folders above as well', async () => {
  const server = await serveFiles(SERVED);
  const dir = join(await temporaryFolder(), 'a', 'b', 'c');
  await mkdir(join(dir, '..'), { recursive: true });
  expect((await fetchAll({ files: [y], at: { web: server.url }, dir })).result.ok).toBe(true);
});
