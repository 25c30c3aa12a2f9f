/** What somebody planted in the data set folder: links, pipes, folders and made-up state lead pcam nowhere. */
import { existsSync } from 'node:fs';
import { cp, lstat, mkdir, readFile, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { exportDataset } from '#pcam/export/export.js';
import { keyOf } from '#pcam/export/input.js';
import { resolveOptions } from '#pcam/export/options.js';
import { info } from '#pcam/info/info.js';
import { verify } from '#pcam/verify/verify.js';
import { makeDataset, type TestDataset } from '../support/dataset.js';
import { plainFile, put } from '../support/files.js';
import { pcamError } from '../support/outcome.js';
import { CHUNK } from '../support/part.js';
import { sharedFolder, temporaryFolder } from '../support/temp.js';
import { contents, IMAGES, META, pipe, type SmallDataset, smallDataset } from './small.js';

const PRECIOUS = {
  'notes.txt': 'mine',
  'tmp/train_x.h5': 'mine too',
  'receipts/x.json': '{}',
  'deep/er': 'x',
};

async function victim(data: SmallDataset): Promise<string> {
  return put(join(data.root, 'victim'), PRECIOUS);
}

async function link(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await symlink(target, path);
}

async function expectRight(data: SmallDataset): Promise<void> {
  expect((await readFile(data.paths.final(IMAGES))).equals(data.images.plain)).toBe(true);
  expect((await readFile(data.paths.final(META))).equals(data.meta.plain)).toBe(true);
}

/** A partial download of some other run. */
function partialOf({ paths }: SmallDataset, name: string): string {
  return join(paths.partial, `${name}.${'a'.repeat(16)}`);
}

function receiptOf({ paths }: SmallDataset): string {
  return join(paths.receipts, `${META}.json`);
}

async function expectDownloads(data: SmallDataset): Promise<void> {
  const result = await data.download();
  expect(result.files.map(({ error }) => error)).toEqual([undefined, undefined]);
  await expectRight(data);
}

describe('a link', () => {
  it.each([
    ['a decompressed file', {}, IMAGES],
    ['a CSV file', {}, META],
    ['an archive', { keepArchives: true }, `${IMAGES}.gz`],
  ])('under the name of %s is replaced, and never written through', async (_, options, name) => {
    const data = await smallDataset();
    const target = join(await victim(data), 'notes.txt');
    await link(target, data.paths.final(name));
    expect((await data.download(options)).ok).toBe(true);
    await expectRight(data);
    expect((await lstat(data.paths.final(name))).isFile()).toBe(true);
    expect(await contents(dirname(target))).toMatchObject(PRECIOUS);
  });

  it('to the right bytes elsewhere is as good as a file, and is left alone', async () => {
    const data = await smallDataset();
    await put(data.root, { elsewhere: data.images.plain });
    await link(join(data.root, 'elsewhere'), data.paths.final(IMAGES));
    expect((await data.download()).files[0]!.status).toBe('present');
    expect((await lstat(data.paths.final(IMAGES))).isSymbolicLink()).toBe(true);
  });

  it.each([
    ['the state folder', (data: SmallDataset) => data.paths.state],
    ['the folder of partial downloads', (data: SmallDataset) => data.paths.partial],
    ['the folder of temporary files', (data: SmallDataset) => data.paths.temporaries],
  ])('in the place of %s is refused, and nothing behind it is touched', async (_, place) => {
    const data = await smallDataset();
    const behind = await victim(data);
    await link(behind, place(data));
    const before = await contents(behind);
    for (const command of [
      () => data.download(),
      () => data.download({ force: true }),
      () => verify({ ...data, fix: true }),
    ]) {
      expect(await pcamError(command())).toMatchObject({ code: 'NOT_A_FOLDER', exitCode: 5 });
    }
    await put(data.dir, { [IMAGES]: data.images.plain });
    await verify(data);
    await info(data);
    expect(await contents(behind)).toEqual(before);
  });

  it.each([
    ['a partial download', (data: SmallDataset) => partialOf(data, `${IMAGES}.gz`)],
    ['a journal', (data: SmallDataset) => `${partialOf(data, `${IMAGES}.gz`)}.journal`],
    ['a temporary file', (data: SmallDataset) => join(data.paths.temporaries, IMAGES)],
    ['a receipt', (data: SmallDataset) => receiptOf(data)],
    ['the lock', (data: SmallDataset) => data.paths.lock],
  ])('in the place of %s is replaced, and never followed', async (_, place) => {
    for (const name of ['notes.txt', 'nothing-there', '/dev/zero']) {
      const data = await smallDataset();
      const behind = await victim(data);
      await link(name.startsWith('/') ? name : join(behind, name), place(data));
      await expectDownloads(data);
      expect(await contents(behind)).toMatchObject(PRECIOUS);
      expect(existsSync(join(behind, 'nothing-there'))).toBe(false);
    }
  });

  it('may be the data set folder itself', async () => {
    const data = await smallDataset();
    await mkdir(join(data.root, 'big-disk'));
    await symlink(join(data.root, 'big-disk'), data.dir);
    await expectDownloads(data);
    expect((await verify({ ...data, fix: true })).ok).toBe(true);
    expect((await lstat(data.dir)).isSymbolicLink()).toBe(true);
  });
});

describe('a link in the output of an export', () => {
  let data: TestDataset;
  let exports: string;
  beforeAll(async () => {
    const { folder, remove } = await sharedFolder();
    data = await makeDataset({ root: folder });
    exports = join(folder, 'exports');
    for (const [format, layout] of [
      ['raw', 'shards'],
      ['png', 'folder'],
    ] as const) {
      const { dir, manifest } = data;
      const out = join(exports, format);
      await exportDataset({ dir, manifest, out, format, layout, workers: 1, shardSize: 100 });
    }
    return remove;
  });

  it.each(['.pcam-tmp', '.pcam-tmp/KEY.whole', '.pcam-tmp/KEY.valid'])(
    'in the place of %s is refused, and nothing behind it is touched',
    async (named) => {
      const { dir, manifest } = data;
      const { recipe } = await resolveOptions({ dir, manifest, format: 'raw' });
      const place = named.replace('KEY', keyOf(recipe, manifest));
      const root = await temporaryFolder();
      const behind = await put(join(root, 'victim'), { ...PRECIOUS, 'whole/notes.txt': 'mine' });
      const out = join(root, 'out');
      await link(behind, join(out, place));
      const before = await contents(behind);
      const error = await pcamError(exportDataset({ dir, manifest, out, format: 'raw', workers: 1 }));
      expect(error).toMatchObject({ code: 'NOT_A_FOLDER', exitCode: 5 });
      expect(await contents(behind)).toEqual(before);
    },
  );

  it.each([
    ['a shard', 'raw', 'pcam-valid-x-000000.npy', 'notes.txt'],
    ['the index', 'raw', 'index.json', 'notes.txt'],
    ['the directory of a split', 'png', 'valid', ''],
    ['the directory of a label', 'png', 'valid/1', ''],
    ['the table of a split', 'png', 'train/metadata.csv', 'notes.txt'],
    ['a list of images', 'png', '.valid-000000.sha256', 'notes.txt'],
  ] as const)(
    'in the place of %s is refused and named, with and without force',
    async (_, format, place, to) => {
      const { dir, manifest } = data;
      const root = await temporaryFolder();
      const out = join(root, 'out');
      const layout = format === 'png' ? 'folder' : 'shards';
      const options = { dir, manifest, out, format, layout, workers: 1 } as const;
      await cp(join(exports, format), out, { recursive: true });
      // What a real export has behind the link must survive as well.
      const behind = await put(join(root, 'victim'), {
        ...PRECIOUS,
        'metadata.csv': 'mine',
        '0/x.png': 'mine',
      });
      await rm(join(out, place), { recursive: true });
      await link(to === '' ? behind : join(behind, to), join(out, place));
      const before = await contents(behind);
      for (const force of [false, true]) {
        for (const shardSize of [100, 50]) {
          if (shardSize === 50 && !force) continue;
          const error = await pcamError(exportDataset({ ...options, shardSize, force }));
          expect(error).toMatchObject({ exitCode: 5 });
          expect(error.message).toContain(join(out, place));
          expect(await contents(behind)).toEqual(before);
        }
      }
    },
  );

  it('may be the output folder itself', async () => {
    const { dir, manifest } = data;
    const root = await temporaryFolder();
    await mkdir(join(root, 'big-disk'));
    await symlink(join(root, 'big-disk'), join(root, 'out'));
    const { shards } = await exportDataset({
      dir,
      manifest,
      out: join(root, 'out'),
      format: 'raw',
      workers: 1,
    });
    expect(existsSync(join(root, 'big-disk', shards[0]!.file))).toBe(true);
  });
});

describe('what is no file', () => {
  const places: [string, (data: SmallDataset) => string][] = [
    ['a partial download', (data) => partialOf(data, META)],
    ['a journal', (data) => `${partialOf(data, META)}.journal`],
    ['a temporary file', (data) => join(data.paths.temporaries, META)],
    ['a receipt', receiptOf],
    ['the lock', (data) => data.paths.lock],
  ];

  it.each(places)('a pipe in the place of %s is replaced, and blocks nothing', async (_, place) => {
    const data = await smallDataset();
    await pipe(place(data));
    await expectDownloads(data);
    expect((await verify(data)).ok).toBe(true);
  });

  it.each(places)('a folder in the place of %s does no harm, or is named', async (what, place) => {
    const data = await smallDataset();
    await put(place(data), { 'notes.txt': 'mine' });
    if (what === 'the lock') {
      const error = await pcamError(data.download());
      expect(error).toMatchObject({ code: 'IO', exitCode: 5 });
      expect(error.message).toContain(data.paths.lock);
      expect(await contents(place(data))).toEqual({ 'notes.txt': 'mine' });
      return;
    }
    const { files } = await data.download();
    expect(files[0]!.status).toBe('downloaded');
    if (files[1]!.status === 'failed') {
      expect(files[1]!.error).toMatchObject({ code: 'IO', message: expect.stringContaining(META) });
      expect(await contents(place(data))).toEqual({ 'notes.txt': 'mine' });
      expect(existsSync(data.paths.final(META))).toBe(false);
    } else {
      await expectRight(data);
    }
  });

  it.each(['pipe', 'folder'])('a %s under a final name fails that file alone, and clearly', async (kind) => {
    const data = await smallDataset();
    const path = data.paths.final(IMAGES);
    await (kind === 'pipe' ? pipe(path) : put(path, { 'notes.txt': 'mine' }));
    const { files } = await data.download();
    expect(files[0]!.error).toMatchObject({ code: 'IO', message: expect.stringContaining(path) });
    expect(files[1]!.status).toBe('downloaded');
    expect((await pcamError(verify(data))).message).toContain(path);
    expect((await info(data)).files[0]!.state).toBe('missing');
  });

  it.each(['pipe', 'folder'])('a %s at a source is no file, and blocks nothing', async (kind) => {
    const data = await smallDataset();
    const mirror = join(data.root, 'mirror');
    const path = join(mirror, `${IMAGES}.gz`);
    await (kind === 'pipe' ? pipe(path) : put(path, { 'notes.txt': 'mine' }));
    const { files } = await data.download({ mirrors: [mirror] });
    expect(files[0]!.status).toBe('downloaded');
    await expectRight(data);
    expect(await contents(data.dir)).not.toHaveProperty('notes.txt');
    const alone = await pcamErrorOf(data.download({ mirrors: [mirror], sources: ['folder'], force: true }));
    expect(alone).toBeUndefined();
  });

  it('a pipe in the place of --from is refused', async () => {
    const data = await smallDataset();
    const from = await pipe(join(data.root, 'from'));
    expect(await pcamError(data.download({ from }))).toMatchObject({ code: 'USAGE', exitCode: 2 });
    expect(existsSync(data.dir)).toBe(false);
  });
});

async function pcamErrorOf(result: Promise<{ files: { error?: unknown }[] }>): Promise<unknown> {
  return (await result).files.find(({ error }) => error)?.error;
}

describe('made-up state', () => {
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
  it.each([
    ['garbage', '\0\xff{'],
    ['a list', '[]'],
    ['null', 'null'],
    ['nested without end', deep],
    ['other types', '{"version":1,"files":{"train_x.h5":{"bytes":"1"},"__proto__":{"bytes":1}}}'],
  ])('a receipt and a lock that are %s', async (_, text) => {
    const data = await smallDataset();
    await put(data.dir, { [`.pcam/receipts/${META}.json`]: text, '.pcam/lock': text });
    // A lock that says nothing may just be being written, while it is fresh.
    await utimes(data.paths.lock, 0, 0);
    await expectDownloads(data);
    expect((await verify({ ...data, quick: true })).ok).toBe(true);
  });

  it('a receipt, a lock and a journal of a gigabyte are not read', async () => {
    const data = await smallDataset();
    for (const path of [receiptOf(data), data.paths.lock, `${partialOf(data, META)}.journal`]) {
      await put(dirname(path), { x: '' });
      await writeFile(path, '');
      await truncate(path, 2 ** 30);
    }
    await expectDownloads(data);
  });

  it('a file that no run of pcam has set aside stays out of the folder', async () => {
    const data = await smallDataset();
    await put(data.paths.temporaries, {
      'aside...': 'x',
      'aside.': 'x',
      'dead/aside.a.sh': 'x',
    });
    await expectDownloads(data);
    expect(
      Object.keys(await contents(data.dir))
        .filter((name) => !name.startsWith('.pcam'))
        .sort(),
    ).toEqual([IMAGES, META].sort());
  });

  const bytes = Buffer.alloc(CHUNK + 1000, 'a');
  const big = plainFile(META, bytes, { unsized: true });
  const owner = { run: 'a'.repeat(16), pid: 1, host: 'elsewhere' };
  const head = JSON.stringify({ pcam: 2, name: META, md5: big.file.md5, chunkBytes: CHUNK, owner });
  const first = crc32(bytes.subarray(0, CHUNK)).toString(16);
  const last = crc32(bytes.subarray(CHUNK)).toString(16);
  const all = [`c 0 ${first} folder`, `c 1 ${last} folder`];
  const journals: Record<string, string[]> = {
    'huge numbers': ['c 9007199254740991 0 a', 'c 999999999999 0 a', 's 9999999999999999'],
    'chunks beyond the file': ['c 5 0 a', 'c -1 0 a'],
    'a size that is wrong': ['s 5'],
    'a wrong size that looks complete': [`c 0 ${first} folder`, `s ${CHUNK}`],
    'another validator': ['v folder "other"', ...all],
    'a source with escapes': [`c 0 ${first} \u001b[2J`],
    'the whole file, a hundred thousand times': Array.from({ length: 50_000 }, () => all).flat(),
    'every chunk up to a terabyte': Array.from({ length: 1_000_000 }, (_, i) => `c ${i} ${first} a`),
    'a million lines of nothing': Array.from({ length: 1_000_000 }, () => 'c'),
    'one line without end': ['c'.repeat(5_000_000)],
  };
  it.each(Object.entries(journals))('a journal with %s', async (_, lines) => {
    const data = await smallDataset({ meta: big });
    const path = partialOf(data, META);
    await put(dirname(path), {
      [basename(path)]: bytes,
      [`${basename(path)}.journal`]: `${[head, ...lines].join('\n')}\n`,
    });
    const began = performance.now();
    await expectDownloads(data);
    expect(performance.now() - began).toBeLessThan(45_000);
  });
});
