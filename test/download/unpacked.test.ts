/** A source may hold the decompressed files in place of the archives. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { contents, fetchAll, holding } from '../support/download.js';
import { archive, noise, plainFile, put } from '../support/files.js';
import { listen, serveFiles } from '../support/server.js';
import { temporaryFolder } from '../support/temp.js';

const files = [
  archive('train_x.h5', noise(3_000_000, 1)),
  archive('train_y.h5', noise(2_000, 2), { kind: 'labels' }),
  plainFile('train_meta.csv', noise(1_000, 3)),
];
const [x] = files as [(typeof files)[number]];
const plain = Object.fromEntries(files.map((one) => [one.file.extracted?.name ?? one.file.name, one.plain]));
const served = Object.fromEntries(files.map((one) => [one.file.name, one.served]));
const pauses = { first: 2, longest: 20 };

describe('a mirror with the decompressed files alone', () => {
  it('over http, delivers them, verified, in ranges', async () => {
    const mirror = await serveFiles(plain);
    const { result, dir } = await fetchAll({ files, at: { mirror: mirror.url } });
    expect(
      result.files.map(({ status, transferred, sources }) => ({ status, transferred, sources })),
    ).toEqual(
      files.map((one) => ({
        status: 'downloaded',
        transferred: one.plain.length,
        sources: { mirror: one.plain.length },
      })),
    );
    expect(result.files.map(({ name, bytes }) => ({ name, bytes }))).toEqual(
      files.map(({ file }) => ({ name: file.name, bytes: file.bytes })),
    );
    expect(await contents(dir)).toEqual(holding(files));
    const again = await fetchAll({ files, at: { mirror: mirror.url }, dir });
    expect(again.result.files.map(({ status }) => status)).toEqual(['present', 'present', 'present']);
  });

  it('in a folder, delivers them', async () => {
    const folder = await put(await temporaryFolder(), plain);
    const { result, dir } = await fetchAll({ files, at: { near: { type: 'file', baseUrl: folder } } });
    expect(result.ok).toBe(true);
    expect(await contents(dir)).toEqual(holding(files));
  });

  it('as the preferred source, is used rather than the archives of others', async () => {
    const [mirror, other] = [await serveFiles(plain), await serveFiles(served)];
    const { result, dir } = await fetchAll({ files, at: { other: other.url }, mirrors: [mirror.url] });
    expect(Object.keys(result.files[0]!.sources)).toEqual(['mirror']);
    expect(await contents(dir)).toEqual(holding(files));
  });

  it('that has nothing at all does not accuse the one with the archives', async () => {
    const [wrong, good] = [await serveFiles({}), await serveFiles(served)];
    const at = { good: good.url };
    const { result, events } = await fetchAll({ files, at, mirrors: [wrong.url], connections: 1 });
    expect(result.ok).toBe(true);
    const dropped = events.filter((event) => event.type === 'drop').map(({ source }) => source);
    expect(dropped).not.toEqual([]);
    expect(new Set(dropped)).toEqual(new Set(['mirror']));
  });

  it('behind one that has archives, is not needed', async () => {
    const [first, second] = [await serveFiles(served), await serveFiles(plain)];
    const { result } = await fetchAll({ files, at: { first: first.url, second: second.url } });
    expect(Object.keys(result.files[0]!.sources)).toEqual(['first']);
  });

  it('is used when those with the archives cannot deliver', async () => {
    const broken = await listen((_, response) => void response.writeHead(403).end());
    const mirror = await serveFiles(plain);
    const { result, dir } = await fetchAll({ files, at: { broken: broken.url, mirror: mirror.url }, pauses });
    expect(result.ok).toBe(true);
    expect(await contents(dir)).toEqual(holding(files));
  });

  it('that has wrong bytes gives way to the archives of others', async () => {
    const wrong = { ...plain, 'train_x.h5': noise(3_000_000, 9) };
    const [mirror, other] = [await serveFiles(wrong), await serveFiles(served)];
    const { result, dir } = await fetchAll({ files, at: { mirror: mirror.url, other: other.url } });
    expect(result.ok).toBe(true);
    expect(await contents(dir)).toEqual(holding(files));
  });

  it('that has wrong bytes, alone, is a wrong digest', async () => {
    const mirror = await serveFiles({ ...plain, 'train_x.h5': noise(3_000_000, 9) });
    const { result, dir } = await fetchAll({ files: [x], at: { mirror: mirror.url } });
    expect(result.files[0]!.error).toMatchObject({
      code: 'DIGEST_MISMATCH',
      expected: x.file.extracted!.md5,
    });
    expect(await contents(dir)).toEqual({});
  });

  it('that has nothing is no source', async () => {
    const mirror = await serveFiles({});
    const { result } = await fetchAll({ files: [x], at: { mirror: mirror.url } });
    expect(result.files[0]!.error).toMatchObject({ code: 'NO_SOURCE' });
    expect(result.files[0]!.error!.message).toContain('has no such file');
  });

  it.each([{ keepArchives: true }, { extract: false }])(
    'is of no use with %j, which is said',
    async (options) => {
      const mirror = await serveFiles(plain);
      const { result, dir } = await fetchAll({ files: [x], at: { mirror: mirror.url }, ...options });
      expect(result.files[0]!.error).toMatchObject({ code: 'NO_SOURCE' });
      expect(result.files[0]!.error!.message).toContain('mirror has the decompressed train_x.h5');
      expect(await contents(dir)).toEqual({});
    },
  );

  it('is resumed where it was stopped', async () => {
    const stop = new AbortController();
    const dir = join(await temporaryFolder(), 'pcam');
    const slow = await listen((request, response) => {
      if (!request.url!.endsWith('/train_x.h5')) return void response.writeHead(404).end();
      response.writeHead(200, { 'content-length': String(x.plain.length) });
      response.write(x.plain.subarray(0, 2_200_000), () => setTimeout(() => stop.abort(), 100));
    });
    await expect(
      fetchAll({ files: [x], at: { mirror: slow.url }, dir, signal: stop.signal }),
    ).rejects.toMatchObject({ code: 'ABORTED' });
    const mirror = await serveFiles(plain);
    const dry = await fetchAll({ files: [x], at: { mirror: mirror.url }, dir, dryRun: true });
    expect(dry.result.files[0]!.status).toBe('would-resume');
    const { result } = await fetchAll({ files: [x], at: { mirror: mirror.url }, dir });
    expect(result.files[0]!.status).toBe('resumed');
    expect(result.files[0]!.transferred).toBeLessThan(x.plain.length);
    expect(await contents(dir)).toEqual(holding([x]));
  });

  it('does not replace an archive that was started, while other sources can deliver the rest', async () => {
    const stop = new AbortController();
    const dir = join(await temporaryFolder(), 'pcam');
    const slow = await listen((_, response) => {
      response.writeHead(200, { 'content-length': String(x.served.length) });
      response.write(x.served.subarray(0, 2_200_000), () => setTimeout(() => stop.abort(), 100));
    });
    await fetchAll({ files: [x], at: { slow: slow.url }, dir, signal: stop.signal }).catch(() => {});
    const [mirror, other] = [await serveFiles(plain), await serveFiles(served)];
    const { result } = await fetchAll({ files: [x], at: { mirror: mirror.url, other: other.url }, dir });
    expect(result.files[0]).toMatchObject({ status: 'resumed' });
    expect(Object.keys(result.files[0]!.sources)).toEqual(['other']);
  });
});
