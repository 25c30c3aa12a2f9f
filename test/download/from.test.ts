/** Files that people already have: whatever their names, in folders, browsers' leftovers and zip archives. */

import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { contents, fetchAll, holding, type Setup } from '../support/download.js';
import { archive, noise, plainFile, put, type TestFile, type TestFileOptions } from '../support/files.js';
import { CHUNK } from '../support/part.js';
import { serveFiles } from '../support/server.js';
import { temporaryFolder } from '../support/temp.js';
import { requireTool } from '../support/tools.js';

const run = promisify(execFile);
const python = await requireTool('python');
const PREFIX = 'camelyonpatch_level_2_split_';
const HDF5 = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1');

/** As in the built-in manifest: the decompressed size is not known, the shape is. */
function images(split: 'train' | 'valid' | 'test', seed: number, options: TestFileOptions = {}): TestFile {
  const plain = Buffer.concat([HDF5, noise(3_000, seed)]);
  const file = archive(`${PREFIX}${split}_x.h5`, plain, { split, ...options });
  const { name, md5 } = file.file.extracted!;
  const array = { path: 'x', shape: [1, 10, 10, 30] };
  return { ...file, file: { ...file.file, extracted: { name, md5 }, array } };
}

const valid = images('valid', 1);
const test = images('test', 2);
const meta = plainFile(`${PREFIX}valid_meta.csv`, Buffer.from('a,wsi\n1,s\n'), {
  split: 'valid',
  unsized: true,
});
const FILES = [valid, test, meta];
const ALL = {
  [valid.file.name]: valid.served,
  [test.file.name]: test.served,
  [meta.file.name]: meta.served,
};
/** Nobody answers there. */
const nobody = { web: 'http://127.0.0.1:1' };
const emptyServer = async () => ({ web: (await serveFiles({})).url });

async function importAll(from: string | string[], options: Partial<Setup> = {}) {
  const files = options.files ?? FILES;
  const outcome = await fetchAll({ at: nobody, ...options, files, from });
  const notices = outcome.events.flatMap((event) => (event.type === 'notice' ? [event.message] : []));
  return { ...outcome, notices, statuses: outcome.result.files.map(({ status }) => status) };
}

async function expectAllImported(from: string | string[]): Promise<void> {
  const { dir, statuses, notices } = await importAll(from);
  expect({ statuses, notices }).toEqual({ statuses: ['imported', 'imported', 'imported'], notices: [] });
  expect(await contents(dir)).toEqual(holding(FILES));
}

function inFolder(folder: string, files: Record<string, Buffer>): Record<string, Buffer> {
  return Object.fromEntries(Object.entries(files).map(([name, bytes]) => [`${folder}/${name}`, bytes]));
}

describe('whole files', () => {
  it('in a folder of the folder', async () => {
    const from = await put(await temporaryFolder(), { ...inFolder('pcamv1/deep', ALL), 'notes.txt': 'mine' });
    await expectAllImported(from);
  });

  it('under any name and in any case, each known by its content', async () => {
    await expectAllImported(
      await put(await temporaryFolder(), {
        'a.bin': valid.served,
        [test.file.name.toUpperCase()]: test.served,
        'table (1).CSV': meta.served,
      }),
    );
  });

  it('decompressed, though nobody has published their size', async () => {
    await expectAllImported(
      await put(await temporaryFolder(), {
        'v.h5': valid.plain,
        't.h5': test.plain,
        [meta.file.name]: meta.plain,
      }),
    );
  });

  it('with the names of valid and test swapped', async () => {
    const swapped = {
      [valid.file.name]: test.served,
      [test.file.name]: valid.served,
      'meta.csv': meta.served,
    };
    await expectAllImported(await put(await temporaryFolder(), swapped));
  });

  it('swapped in the data set folder itself, where nothing is left of them', async () => {
    const swapped = { [valid.file.name]: test.served, [test.file.name]: valid.served };
    const dir = await put(await temporaryFolder(), swapped);
    const { result } = await fetchAll({ files: [valid, test], at: nobody, dir });
    expect(result.files.map(({ status }) => status)).toEqual(['imported', 'imported']);
    expect(await contents(dir)).toEqual(holding([valid, test]));
  });

  it('a .h5.gz that a browser has decompressed and is the .h5', async () => {
    const unpacked = { [valid.file.name]: valid.plain, [test.file.name]: test.plain, 'm.csv': meta.plain };
    await expectAllImported(await put(await temporaryFolder(), unpacked));
  });

  it('in several places, folders and files', async () => {
    const root = await put(await temporaryFolder(), {
      ...inFolder('a', { x: valid.served }),
      ...inFolder('b', ALL),
    });
    await expectAllImported([
      join(root, 'a'),
      join(root, 'b', test.file.name),
      join(root, 'b', meta.file.name),
    ]);
  });

  it('from a dry run, in the same words', async () => {
    const from = await put(await temporaryFolder(), inFolder('pcamv1', ALL));
    const { statuses, dir } = await importAll(from, { dryRun: true });
    expect(statuses).toEqual(Array(3).fill('would-import'));
    expect(await contents(dir)).toEqual({});
  });

  it('where everything is there already, no place is looked at', async () => {
    const from = await put(await temporaryFolder(), ALL);
    const { dir } = await importAll(from);
    const { statuses, notices } = await importAll(await temporaryFolder(), { dir });
    expect({ statuses, notices }).toEqual({ statuses: Array(3).fill('present'), notices: [] });
  });
});

describe('zip archives', () => {
  const pack = (level: 0 | 6) => Buffer.from(zipSync(inFolder('pcamv1', ALL), { level }));

  it.each([
    ['stored', 0],
    ['deflated', 6],
  ] as const)('%s, found in a folder', async (_, level) => {
    const from = await put(await temporaryFolder(), { 'pcamv1-20240101T000000Z-001.zip': pack(level) });
    const before = await contents(from);
    await expectAllImported(from);
    expect(await contents(from)).toEqual(before);
  });

  it('named, without the ending of its name', async () => {
    const from = await put(await temporaryFolder(), { download: pack(6) });
    await expectAllImported(join(from, 'download'));
  });

  it('several, each with some of the files, as Drive makes them', async () => {
    const parts = Object.entries(ALL).map(([name, bytes], i) => {
      return [`pcamv1-${i}.zip`, Buffer.from(zipSync({ [`pcamv1/${name}`]: bytes }))] as const;
    });
    await expectAllImported(await put(await temporaryFolder(), Object.fromEntries(parts)));
  });

  it('archives that are to be kept are copied out of it', async () => {
    const from = await put(await temporaryFolder(), { 'a.zip': pack(6) });
    const { dir, statuses } = await importAll(from, { keepArchives: true });
    expect(statuses).toEqual(Array(3).fill('imported'));
    expect(await contents(dir)).toEqual({ ...holding(FILES), ...holding(FILES, 'served') });
    const raw = await importAll(from, { extract: false });
    expect(await contents(raw.dir)).toEqual(holding(FILES, 'served'));
  });

  it('larger than what is digested in the calling thread', async () => {
    const large = archive('train_x.h5', noise(5_000_000, 3));
    const zip = Buffer.from(zipSync({ 'a/b.gz': large.served }, { level: 1 }));
    const { statuses, dir } = await importAll(await put(await temporaryFolder(), { 'a.zip': zip }), {
      files: [large],
    });
    expect(statuses).toEqual(['imported']);
    expect(await contents(dir)).toEqual(holding([large]));
  });

  it.skipIf(!python)('with zip64 records', async () => {
    const from = await put(await temporaryFolder(), inFolder('pcamv1', ALL));
    const script =
      'import sys, zipfile; zipfile.ZIP64_LIMIT = 0\n' +
      'with zipfile.ZipFile("all.zip", "w", zipfile.ZIP_DEFLATED) as z:\n' +
      ' for name in sys.argv[1:]: z.write(name)';
    await run(python!, ['-c', script, ...Object.keys(inFolder('pcamv1', ALL))], { cwd: from });
    const zip = join(from, 'all.zip');
    expect((await readFile(zip)).includes(Buffer.from('PK\x06\x06'))).toBe(true);
    await expectAllImported(zip);
  });
});

describe('unfinished archives', () => {
  const x = archive(`${PREFIX}train_x.h5`, noise(3_000_000, 1));
  const { name } = x.file;
  const stem = name.slice(0, -'.gz'.length);
  const half = x.served.subarray(0, 1_500_000);
  const rest = x.served.length - Math.floor(half.length / CHUNK) * CHUNK;
  const quota = Buffer.from('<!DOCTYPE html><title>Google Drive - Quota exceeded');
  const resume = async (from: string, dir?: string) => {
    const server = await serveFiles({ [name]: x.served });
    return await importAll(from, { files: [x], at: { web: server.url }, connections: 1, dir });
  };

  it.each([
    [
      'gdown, also when it left several',
      { [`${name}x8k2jq_a.part`]: half, [`${name}abcd1234.part`]: half.subarray(0, 900_000) },
    ],
    ['Firefox', { [`${stem}.aB3dE5gH.gz.part`]: half, [name]: Buffer.alloc(0) }],
    ['Safari', { [`${name}.download/${name}`]: half }],
    ['Chrome', { [`${name}.crdownload`]: half }],
    ['an old torchvision', { [`pcam/${name}`]: half }],
    ['another case', { [`${name.toUpperCase()}.PART`]: half }],
    ['a quota page beside it', { [name]: quota, [`${name}.part`]: half }],
  ])('of %s: the download goes on from there', async (_, files) => {
    const { result, dir } = await resume(await put(await temporaryFolder(), files));
    expect(result.files[0]).toMatchObject({ status: 'resumed', transferred: rest });
    expect(await contents(dir)).toEqual(holding([x]));
  });

  it('in the data set folder, it is not left behind', async () => {
    const dir = await put(await temporaryFolder(), { [`${name}x8k2jq_a.part`]: half });
    const { result } = await resume(await temporaryFolder(), dir);
    expect(result.files[0]).toMatchObject({ status: 'resumed', transferred: rest });
    expect(await contents(dir)).toEqual(holding([x]));
  });

  it.each([
    ['a quota page', { [name]: quota }, /is an HTML page, not/],
    [
      'bytes that are no gzip data',
      { [`${name}.part`]: noise(1_500_000, 7) },
      /neither the whole nor a beginning/,
    ],
    ['more bytes than the archive has', { [name]: Buffer.concat([x.served, half]) }, /neither the whole/],
    [
      'the right size and other bytes',
      { 'some.bin': noise(x.served.length, 8) },
      /has the size of .* and other bytes/,
    ],
  ])('%s is no beginning, and that is said', async (_, files, reason) => {
    const { result, notices } = await resume(await put(await temporaryFolder(), files));
    expect(result.files[0]).toMatchObject({ status: 'downloaded', transferred: x.served.length });
    expect(notices.filter((notice) => reason.test(notice))).toHaveLength(1);
  });

  it('gzip data under another name are no beginning', async () => {
    const { result, notices } = await resume(await put(await temporaryFolder(), { 'mine.gz': half }));
    expect(result.files[0]).toMatchObject({ status: 'downloaded', transferred: x.served.length });
    expect(notices).toEqual([expect.stringMatching(/^nothing was taken from .*: none of the one file/)]);
  });
});

describe('what is not taken', () => {
  it('is in the hint of a file that could not be fetched', async () => {
    const from = await put(await temporaryFolder(), { [valid.file.name]: '<html>Quota exceeded' });
    const { result } = await importAll(from, { files: [valid], at: await emptyServer() });
    expect(result.files[0]!.error).toMatchObject({ code: 'NO_SOURCE' });
    expect(result.files[0]!.error!.hint).toMatch(`${valid.file.name} is an HTML page`);
  });

  it('links are not followed, neither out of the place nor in circles, and are named', async () => {
    const root = await put(await temporaryFolder(), inFolder('elsewhere', ALL));
    const from = join(root, 'from');
    await mkdir(from);
    await symlink(join(root, 'elsewhere'), join(from, 'folder'));
    await symlink(from, join(from, 'circle'));
    await symlink(join(root, 'elsewhere', valid.file.name), join(from, valid.file.name));
    const { statuses, notices } = await importAll(from, { at: await emptyServer() });
    expect(statuses).toEqual(Array(3).fill('failed'));
    expect(notices).toContainEqual(expect.stringMatching(/_x\.h5\.gz is a link/));
  });

  it('folders deeper than a bound, and the state of pcam, are not looked into', async () => {
    const deep = Array(17).fill('a').join('/');
    const from = await put(await temporaryFolder(), {
      ...inFolder(deep, ALL),
      ...inFolder('.pcam/tmp', ALL),
    });
    const { statuses, notices } = await importAll(from, { at: await emptyServer() });
    expect(statuses).toEqual(Array(3).fill('failed'));
    expect(notices).toContainEqual(expect.stringMatching(/lies deeper than 16 folders/));
  });

  it('the place itself may be a link', async () => {
    const root = await put(await temporaryFolder(), inFolder('real', ALL));
    await symlink(join(root, 'real'), join(root, 'link'));
    await expectAllImported(join(root, 'link'));
  });

  it.skipIf(process.platform === 'win32' || process.getuid?.() === 0)(
    'what cannot be read is named',
    async () => {
      const from = await put(await temporaryFolder(), { ...ALL, 'secret/a': 'b' });
      await chmod(join(from, 'secret'), 0);
      const { statuses, notices } = await importAll(from);
      await chmod(join(from, 'secret'), 0o700);
      expect(statuses).toEqual(Array(3).fill('imported'));
      expect(notices).toEqual([expect.stringContaining('secret')]);
    },
  );
});
