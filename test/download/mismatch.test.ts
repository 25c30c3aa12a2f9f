/** Wrong bytes are never kept: the file comes from elsewhere, or is reported with what was expected and found. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { contents, fetchAll, holding } from '../support/download.js';
import { archive, noise, plainFile, put, sha256 } from '../support/files.js';
import { CHUNK, partialPaths } from '../support/part.js';
import { lastPart, listen, send, serveFiles } from '../support/server.js';
import { temporaryFolder } from '../support/temp.js';

const x = archive('train_x.h5', noise(3_000_000, 1));
const y = archive('train_y.h5', noise(300, 2), { kind: 'labels' });
const name = x.file.name;
const wrong = noise(x.served.length, 99);
const flipped = Buffer.from(x.served);
flipped[2_000_000]! ^= 1;

describe('a wrong digest', () => {
  it('from the first source: the file comes from the second', async () => {
    const [bad, good] = [await serveFiles({ [name]: wrong }), await serveFiles({ [name]: x.served })];
    const { result, dir, events } = await fetchAll({
      files: [x],
      at: { bad: bad.url, good: good.url },
      connections: 1,
    });
    expect(result.files[0]).toMatchObject({ status: 'downloaded' });
    expect(events.some((event) => event.type === 'drop' && event.source === 'bad')).toBe(true);
    expect(await contents(dir)).toEqual(holding([x]));
  });

  it('everywhere: not kept, and reported with expected and found', async () => {
    const [a, b] = [await serveFiles({ [name]: flipped }), await serveFiles({ [name]: flipped })];
    const { result, dir } = await fetchAll({ files: [x, y], at: { a: a.url, b: b.url } });
    expect(result.ok).toBe(false);
    expect(result.files[0]).toMatchObject({
      status: 'failed',
      error: { code: 'DIGEST_MISMATCH', expected: x.file.sha256, found: sha256(flipped) },
    });
    expect(await contents(dir)).toEqual({});
    expect(existsSync(dir)).toBe(false);
  });

  it('from the only source: it gets a second chance, for bytes flip on the way too', async () => {
    let first = true;
    const server = await listen((request, response) => {
      send(request, response, first ? (y.served.map((byte) => byte ^ 1) as Buffer) : y.served);
      first = false;
    });
    const { result } = await fetchAll({ files: [y], at: { web: server.url } });
    expect(result.files[0]).toMatchObject({ status: 'downloaded', transferred: 2 * y.served.length });
  });

  it('is told each time before the bytes are discarded, the last time as well', async () => {
    const server = await serveFiles({ [name]: flipped });
    const dir = join(await temporaryFolder(), 'pcam');
    const told: string[] = [];
    await fetchAll({
      files: [x],
      at: { web: server.url },
      dir,
      onEvent: (event) => {
        if (event.type === 'notice' && partialPaths(dir, name).length > 0) told.push(event.message);
      },
    });
    expect(told).toEqual([
      expect.stringMatching(/^train_x\.h5\.gz from web is wrong: .*; fetching it again$/),
      expect.stringMatching(/^train_x\.h5\.gz from web is wrong: .*; discarding it$/),
    ]);
  });

  it('of a mixture: each of its sources is tried alone', async () => {
    const [bad, good] = [await serveFiles({ [name]: flipped }), await serveFiles({ [name]: x.served })];
    const { result, dir } = await fetchAll({
      files: [x],
      at: { bad: bad.url, good: good.url },
      connections: 2,
    });
    expect(result.files[0]!.status).toBe('downloaded');
    expect(await contents(dir)).toEqual(holding([x]));
  });

  it('that only SHA-256 detects is reported', async () => {
    const forged = { ...y, file: { ...y.file, sha256: sha256(Buffer.from('another')) } };
    const server = await serveFiles({ [y.file.name]: y.served });
    const { result, dir } = await fetchAll({ files: [forged], at: { web: server.url } });
    expect(result.files[0]!.error).toMatchObject({
      code: 'DIGEST_MISMATCH',
      expected: forged.file.sha256,
      found: y.file.sha256,
    });
    expect(await contents(dir)).toEqual({});
  });

  it('leaves a right file of an earlier run where it is', async () => {
    const good = await serveFiles({ [y.file.name]: y.served });
    const bad = await serveFiles({ [y.file.name]: noise(y.served.length) });
    const { dir } = await fetchAll({ files: [y], at: { web: good.url } });
    const { result } = await fetchAll({ files: [y], at: { web: bad.url }, dir, force: true });
    expect(result.files[0]!.error?.code).toBe('DIGEST_MISMATCH');
    expect(await contents(dir)).toEqual(holding([y]));
  });

  it('is repaired by the next run, when the source is', async () => {
    let bytes = wrong;
    const server = await listen((request, response) => send(request, response, bytes));
    const { result, dir } = await fetchAll({ files: [x], at: { web: server.url } });
    expect(result.ok).toBe(false);
    bytes = x.served;
    const again = await fetchAll({ files: [x], at: { web: server.url }, dir });
    expect(again.result.files[0]!.status).toBe('downloaded');
  });
});

describe('sources that disagree on the size', () => {
  it('with the manifest: they are dropped, and none of their bytes is kept', async () => {
    const longer = await serveFiles({ [name]: Buffer.concat([x.served, Buffer.of(0)]) });
    const shorter = await serveFiles({ [name]: x.served.subarray(0, -1) });
    const good = await serveFiles({ [name]: x.served });
    const at = { longer: longer.url, shorter: shorter.url, good: good.url };
    const { result } = await fetchAll({ files: [x], at });
    expect(Object.keys(result.files[0]!.sources)).toEqual(['good']);
  });

  it.each([1, 4])(
    'with each other, first a wrong one: the right bytes win (%d connections)',
    async (connections) => {
      const table = plainFile('meta.csv', noise(6_000_000, 3), { unsized: true, noSha256: true });
      const bad = await serveFiles({ 'meta.csv': noise(5_500_000, 4) });
      const good = await serveFiles({ 'meta.csv': table.served });
      const { result, dir } = await fetchAll({
        files: [table],
        at: { bad: bad.url, good: good.url },
        connections,
      });
      expect(result.files[0]!.error).toBeUndefined();
      expect((await readFile(join(dir, 'meta.csv'))).equals(table.plain)).toBe(true);
    },
  );

  it('with each other, and the first goes away in the middle: the second starts over', async () => {
    const table = plainFile('meta.csv', noise(6_000_000, 3), { unsized: true, noSha256: true });
    let served = 0;
    const bad = await listen((request, response) => {
      if (served++ > 0) response.writeHead(404).end();
      else send(request, response, noise(5_500_000, 4));
    });
    const good = await serveFiles({ 'meta.csv': table.served });
    const { result } = await fetchAll({
      files: [table],
      at: { bad: bad.url, good: good.url },
      connections: 1,
    });
    expect(result.files[0]!.error).toBeUndefined();
  });

  it('with an earlier run: what that run kept does not shut the right one out', async () => {
    const table = plainFile('meta.csv', noise(6_000_000, 3), { unsized: true, noSha256: true });
    let served = 0;
    const bad = await listen((request, response) => {
      if (served++ > 0) response.writeHead(404).end();
      else send(request, response, noise(5_500_000, 4));
    });
    const { dir, result } = await fetchAll({ files: [table], at: { bad: bad.url }, connections: 1 });
    expect(result.files[0]!.error?.code).toBe('NO_SOURCE');
    const good = await serveFiles({ 'meta.csv': table.served });
    const again = await fetchAll({ files: [table], at: { good: good.url }, dir });
    expect(again.result.files[0]!.error).toBeUndefined();
  });
});

describe('a copy that changes while it is fetched', () => {
  it('is noticed by its validator: its bytes are fetched again, those of others are kept', async () => {
    let version = 0;
    const server = await listen((request, response) => {
      // The first answer is of an old version.
      const bytes = version++ === 0 ? wrong : x.served;
      const end = version === 1 ? 1_048_575 : undefined;
      if (end !== undefined) request.headers.range = `bytes=0-${end}`;
      send(request, response, bytes, { headers: { etag: version === 1 ? '"old"' : '"new"' } });
    });
    const { result, dir, events } = await fetchAll({ files: [x], at: { web: server.url }, connections: 1 });
    expect(result.files[0]).toMatchObject({ status: 'downloaded' });
    expect(events.some(({ type }) => type === 'notice')).toBe(true);
    expect(await contents(dir)).toEqual(holding([x]));
  });
});

describe('a short text in place of the next range', () => {
  it('is a refusal: the bytes stay, and the source is asked again', async () => {
    const table = plainFile('meta.csv', noise(12_000_000, 3));
    let served = 0;
    const server = await listen((request, response) => {
      const headers = { 'content-type': 'application/octet-stream', etag: '"1"' };
      if (++served === 2)
        return void response.writeHead(200, { ...headers, 'content-length': 720 }).end('x'.repeat(720));
      send(request, response, table.served, { headers: { etag: '"1"' } });
    });
    const { result, dir, events } = await fetchAll({
      files: [table],
      at: { web: server.url },
      connections: 1,
      pauses: { first: 10 },
    });
    expect(result.files[0]).toMatchObject({ status: 'downloaded', transferred: table.served.length });
    expect(events.filter(({ type }) => type === 'notice')).toEqual([]);
    expect(events.filter((event) => event.type === 'pause').map(({ reason }) => reason)).toEqual([
      'it answered with 720 bytes in place of the file, the manifest says 12000000',
    ]);
    expect(await contents(dir)).toEqual(holding([table]));
  });
});

describe('If-Range', () => {
  const table = plainFile('meta.csv', noise(6_000_000, 3));
  const headers = { etag: '"1"' };

  it('is sent on every range once the validator of the copy is known, and by the next run', async () => {
    let served = 0;
    const server = await listen((request, response) => {
      if (served++ === 1) return void response.writeHead(404).end();
      send(request, response, table.served, { headers });
    });
    const at = { web: server.url };
    const { dir, result } = await fetchAll({ files: [table], at, connections: 1 });
    if (result.ok) throw new Error('the second run needs something to fetch');
    await fetchAll({ files: [table], at, dir });
    expect(server.requests.length).toBeGreaterThan(2);
    expect(server.requests.map((request) => request.headers['if-range'])).toEqual([
      undefined,
      ...Array(server.requests.length - 1).fill('"1"'),
    ]);
  });

  it.each([
    ['with another validator', { etag: '"2"' }],
    ['without a validator', {}],
  ])('answered by the whole of another copy, %s: nothing of the old one is kept', async (_, changed) => {
    const old = noise(table.served.length, 4);
    let served = 0;
    const server = await listen((request, response) => {
      if (served++ === 0) return send(request, response, old, { headers });
      const noRange = request.headers['if-range'] !== undefined;
      send(request, response, table.served, { noRange, headers: changed });
    });
    const { result, dir, events } = await fetchAll({
      files: [table],
      at: { web: server.url },
      connections: 1,
    });
    expect(result.ok).toBe(true);
    expect(await contents(dir)).toEqual(holding([table]));
    expect(events.some((event) => event.type === 'notice' && /changed/.test(event.message))).toBe(true);
  });

  it('answered by the whole of the same copy: the server knows no ranges, and nothing is thrown away', async () => {
    const server = await serveFiles({ 'meta.csv': table.served }, { noRange: true, headers });
    const { result, events } = await fetchAll({ files: [table], at: { web: server.url } });
    expect(result.files[0]).toMatchObject({ status: 'downloaded', transferred: table.served.length });
    expect(events.some(({ type }) => type === 'notice')).toBe(false);
  });
});

describe('bytes that other tools left', () => {
  const web = () => serveFiles({ [name]: x.served, [y.file.name]: y.served });
  const half = x.served.subarray(0, 1_500_000);
  /** Whole chunks of it are used. */
  const rest = x.served.length - Math.floor(half.length / CHUNK) * CHUNK;

  it.each(['', '.part', '.partial', '.crdownload', '.opdownload'])(
    'a beginning as x.gz%s is gone on with',
    async (ending) => {
      const server = await web();
      const from = await put(await temporaryFolder(), { [name + ending]: half });
      const { result, dir } = await fetchAll({ files: [x], at: { web: server.url }, from, connections: 1 });
      expect(result.files[0]).toMatchObject({ status: 'resumed', transferred: rest });
      expect(await contents(dir)).toEqual(holding([x]));
      expect(await readFile(join(from, name + ending))).toHaveLength(half.length);
    },
  );

  it('a beginning in the folder itself is gone on with, and is not left behind', async () => {
    const server = await web();
    const dir = await put(await temporaryFolder(), { [name]: half });
    const { result } = await fetchAll({ files: [x], at: { web: server.url }, dir, connections: 1 });
    expect(result.files[0]).toMatchObject({ status: 'resumed', transferred: rest });
    expect(await contents(dir)).toEqual(holding([x]));
  });

  it('a wrong beginning is thrown away, and only its chunks are fetched again, from the same source', async () => {
    const server = await web();
    const other = gzipSync(noise(3_000_000, 5)).subarray(0, 1_500_000);
    const from = await put(await temporaryFolder(), { [`${name}.part`]: other });
    const { result, dir } = await fetchAll({ files: [x], at: { web: server.url }, from, connections: 1 });
    expect(result.files[0]).toMatchObject({ status: 'downloaded', transferred: x.served.length });
    expect(await contents(dir)).toEqual(holding([x]));
  });

  it('an empty file that a browser put there first does not hide the beginning', async () => {
    const server = await web();
    const from = await put(await temporaryFolder(), { [name]: '', [`${name}.part`]: half });
    const { result } = await fetchAll({ files: [x], at: { web: server.url }, from });
    expect(result.files[0]!.status).toBe('resumed');
  });

  it('a file that aria2 is at is no beginning, for it writes in many places', async () => {
    const server = await web();
    const from = await put(await temporaryFolder(), { [name]: half, [`${name}.aria2`]: 'control' });
    const { result } = await fetchAll({ files: [x], at: { web: server.url }, from, connections: 1 });
    expect(result.files[0]).toMatchObject({ status: 'downloaded', transferred: x.served.length });
  });

  it('whole archives and decompressed files are taken over, from elsewhere without touching them', async () => {
    const from = await put(await temporaryFolder(), { [name]: x.served, 'train_y.h5': y.plain });
    const before = await contents(from);
    const nobody = { web: 'http://127.0.0.1:1' };
    const { result, dir } = await fetchAll({ files: [x, y], at: nobody, from });
    expect(result.files.map(({ status, transferred }) => [status, transferred])).toEqual([
      ['imported', 0],
      ['imported', 0],
    ]);
    expect(await contents(dir)).toEqual(holding([x, y]));
    expect(await contents(from)).toEqual(before);
  });

  it('with --keep-archives and --no-extract, as after a download', async () => {
    const from = await put(await temporaryFolder(), { [y.file.name]: y.served });
    const nobody = { web: 'http://127.0.0.1:1' };
    const kept = await fetchAll({ files: [y], at: nobody, from, keepArchives: true });
    expect(await contents(kept.dir)).toEqual({ ...holding([y]), ...holding([y], 'served') });
    const raw = await fetchAll({ files: [y], at: nobody, from, extract: false });
    expect(await contents(raw.dir)).toEqual(holding([y], 'served'));
  });

  it('an archive in the folder is decompressed, and removed or kept', async () => {
    const nobody = { web: 'http://127.0.0.1:1' };
    for (const keepArchives of [false, true]) {
      const dir = await put(await temporaryFolder(), { [y.file.name]: y.served });
      const { result } = await fetchAll({ files: [y], at: nobody, dir, keepArchives });
      expect(result.files[0]!.status).toBe('imported');
      expect(await contents(dir)).toEqual({
        ...holding([y]),
        ...(keepArchives ? holding([y], 'served') : {}),
      });
    }
  });

  it('wrong ones of the right name are not', async () => {
    const server = await web();
    const from = await put(await temporaryFolder(), {
      [y.file.name]: noise(y.served.length),
      'train_y.h5': noise(300),
    });
    const { result } = await fetchAll({ files: [y], at: { web: server.url }, from });
    expect(result.files[0]!.status).toBe('downloaded');
  });

  it.each([
    ['train_x.h5', x.plain],
    [name, x.served],
  ])('%s that changes after the look is not taken for what it was', async (there, bytes) => {
    const server = await web();
    for (const change of [noise(bytes.length, 77), bytes.subarray(0, 1000), undefined]) {
      const from = await put(await temporaryFolder(), { [there]: bytes, [y.file.name]: y.served });
      const path = join(from, there);
      const { result, dir } = await fetchAll({
        files: [y, x],
        at: { web: server.url },
        from,
        jobs: 1,
        // The survey is over, and the turn of the second file has not come.
        onEvent: (event) => {
          if (event.type !== 'end' || event.outcome === 'done' || event.task !== y.file.name) return;
          if (change) writeFileSync(path, change);
          else rmSync(path);
        },
      });
      expect(result.files.map(({ status }) => status)).toEqual(['imported', 'downloaded']);
      expect(await contents(dir)).toEqual(holding([x, y]));
    }
  });

  it('misnamed ones in the folder are renamed, not fetched', async () => {
    const valid = archive('valid_x.h5', noise(3000, 11), { split: 'valid' });
    const test = archive('test_x.h5', noise(3000, 12), { split: 'test' });
    const dir = await put(await temporaryFolder(), { 'valid_x.h5': test.plain, 'test_x.h5': valid.plain });
    const nobody = { web: 'http://127.0.0.1:1' };
    // The bytes of test are not asked for, but they are not buried either.
    const { result } = await fetchAll({ files: [valid, test], at: nobody, dir, splits: ['valid'] });
    expect(result.files).toMatchObject([{ name: valid.file.name, status: 'imported', transferred: 0 }]);
    expect(await contents(dir)).toEqual(holding([valid, test]));
  });
});

it('mixes sources in one file only when they agree, and counts the bytes of each', async () => {
  const [a, b] = [await serveFiles({ [name]: x.served }), await serveFiles({ [name]: x.served })];
  const { result, dir } = await fetchAll({ files: [x], at: { a: a.url, b: b.url }, connections: 1 });
  const { sources, transferred } = result.files[0]!;
  expect(sources.a! + (sources.b ?? 0)).toBe(transferred);
  expect(await contents(dir)).toEqual(holding([x]));
});

it('asks each source for the file by its own name', async () => {
  const odd = archive('a b+c_x.h5', noise(10));
  const seen: string[] = [];
  const server = await listen((request, response) => {
    seen.push(lastPart(request));
    send(request, response, odd.served);
  });
  expect((await fetchAll({ files: [odd], at: { web: server.url } })).result.ok).toBe(true);
  expect(seen).toEqual([odd.file.name]);
});
