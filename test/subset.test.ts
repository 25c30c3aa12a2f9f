/** `pcam subset`: a data set like the whole one, that pcam verifies, downloads and subsets again. */
import { copyFile, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSplit } from '#pcam/dataset/split.js';
import { download } from '#pcam/download/download.js';
import { readManifest } from '#pcam/manifest/parse.js';
import { SPLITS } from '#pcam/manifest/types.js';
import { selectPatches } from '#pcam/selection/select.js';
import { type SubsetOptions, subset } from '#pcam/subset.js';
import { verify } from '#pcam/verify/verify.js';
import { makeDataset, type TestDataset } from './support/dataset.js';
import { md5 } from './support/files.js';
import { runPcam } from './support/in-process.js';
import { pcamError } from './support/outcome.js';
import { sharedFolder, temporaryFolder } from './support/temp.js';

let root: { folder: string; remove: () => Promise<void> };
let data: TestDataset;
beforeAll(async () => {
  root = await sharedFolder();
  data = await makeDataset({ train: 60, valid: 30, test: 20, root: root.folder });
});
afterAll(() => root.remove());

async function make(options: Partial<SubsetOptions> = {}) {
  const out = options.out ?? join(await temporaryFolder(), 'subset');
  const result = await subset({ dir: data.dir, manifest: data.manifest, ...options, out });
  return { ...result, manifest: await readManifest(join(out, 'manifest.json')) };
}

const contentsOf = async (folder: string) =>
  Object.fromEntries(
    await Promise.all(
      (await readdir(folder))
        .filter((name) => !name.startsWith('.'))
        .sort()
        .map(async (name) => [name, md5(await readFile(join(folder, name)))]),
    ),
  ) as Record<string, string>;

describe('a subset', () => {
  it.each([{}, { perClass: 4, shuffle: true, seed: 3 }, { unique: true, label: 1 as const }])(
    'of %j has the selected pixels, labels and rows, and their original indices',
    async (selection) => {
      const { out, files, manifest } = await make({ selection });
      const selections = await selectPatches({ dir: data.dir, manifest: data.manifest, selection });
      expect(selections.map(({ split }) => split)).toEqual(SPLITS);
      for (const { split: name, indices } of selections) {
        const [whole, part] = [
          await openSplit({ dir: data.dir, manifest: data.manifest, split: name }),
          await openSplit({ dir: out, manifest, split: name }),
        ];
        const csv = await readFile(join(out, `camelyonpatch_level_2_split_${name}_meta.csv`), 'utf8');
        const [header, ...lines] = csv.trimEnd().split('\n');
        expect(header).toBe(',coord_y,coord_x,tumor_patch,center_tumor_patch,wsi');
        expect(lines.map((line) => Number(line.split(',')[0]))).toEqual([...indices]);
        expect(part.count).toBe(indices.length);
        for (const [i, index] of indices.entries()) {
          expect(Buffer.compare(part.readPatches(i, i + 1), whole.readPatches(index, index + 1))).toBe(0);
          expect([part.labels[i], part.meta!.row(i)]).toEqual([whole.labels[index], whole.meta!.row(index)]);
        }
        expect(files.find((file) => file.name.endsWith(`${name}_x.h5`))).toMatchObject({
          patches: indices.length,
        });
        whole.close();
        part.close();
      }
      expect(await verify({ dir: out, manifest, deep: true })).toMatchObject({ ok: true });
      expect(manifest).toMatchObject({ dataset: 'pcam-fixture-subset', license: 'CC0-1.0' });
      const found = await contentsOf(out);
      for (const { name, md5: digest } of files) expect(found[name]).toBe(digest);
      expect(Object.keys(found)).toEqual([...files.map(({ name }) => name), 'manifest.json'].sort());
    },
  );

  it('has the same bytes again, and of all patches in order the bytes of the data set', async () => {
    const options = { selection: { sample: 7, shuffle: true }, archives: true };
    const [one, other] = [await make(options), await make(options)];
    expect(await contentsOf(other.out)).toEqual(await contentsOf(one.out));
    expect(other.files).toEqual(one.files);
    const whole = await contentsOf((await make()).out);
    for (const split of SPLITS) {
      for (const kind of ['images', 'labels', 'meta'] as const) {
        const path = data.path(split, kind);
        expect(whole[path.slice(data.dir.length + 1)], path).toBe(md5(await readFile(path)));
      }
    }
  });

  it('is a mirror with its archives, and a source of its own without', async () => {
    for (const archives of [true, false]) {
      const { out, files, manifest } = await make({
        archives,
        selection: { perClass: 2 },
        splits: ['valid'],
      });
      const names = [
        '_x.h5',
        ...(archives ? ['_x.h5.gz'] : []),
        '_y.h5',
        ...(archives ? ['_y.h5.gz'] : []),
        '_meta.csv',
      ];
      expect(files.map(({ name }) => name)).toEqual(
        names.map((end) => `camelyonpatch_level_2_split_valid${end}`),
      );
      for (const name of (await readdir(out)).filter((one) => one.endsWith('.gz'))) {
        const plain = await readFile(join(out, name.slice(0, -3)));
        expect(Buffer.compare(gunzipSync(await readFile(join(out, name))), plain)).toBe(0);
      }
      const dir = join(await temporaryFolder(), 'copy');
      expect(await download({ dir, manifest })).toMatchObject({ ok: true });
      expect(await verify({ dir, manifest })).toMatchObject({ ok: true });
    }
  });

  it('replaces another one by force alone, and leaves none of its files behind', async () => {
    const { out } = await make({ archives: true });
    await writeFile(join(out, 'notes.txt'), 'mine');
    await make({ out, archives: true });
    const other = { out, splits: ['test'] as const, selection: { sample: 2 } };
    expect(await pcamError(make(other))).toMatchObject({
      code: 'OUTPUT_MISMATCH',
      message: `${out} holds another subset: not the same selection, inputs, archives`,
      options: ['force'],
    });
    await make({ ...other, force: true });
    expect((await readdir(out)).sort()).toEqual([
      'camelyonpatch_level_2_split_test_meta.csv',
      'camelyonpatch_level_2_split_test_x.h5',
      'camelyonpatch_level_2_split_test_y.h5',
      'manifest.json',
      'notes.txt',
    ]);
  });

  it('can be taken of a subset, and of a data set without meta files', async () => {
    const { out, manifest } = await make({ selection: { perClass: 3 } });
    const again = await make({ dir: out, manifest, selection: { label: 1 } });
    expect(again.manifest.dataset).toBe('pcam-fixture-subset');
    const dir = join(await temporaryFolder(), 'bare');
    await mkdir(dir);
    for (const kind of ['images', 'labels'] as const) {
      const path = data.path('test', kind);
      await copyFile(path, join(dir, path.slice(data.dir.length + 1)));
    }
    const bare = await make({ dir, splits: ['test'] });
    expect(bare.files.map(({ name }) => name.slice(-5))).toEqual(['_x.h5', '_y.h5']);
  });
});

describe('it refuses', () => {
  const refused = async (options: Partial<SubsetOptions>) => pcamError(make(options));

  it('the data set itself, other data sets, and what has the names of one', async () => {
    expect(await refused({ out: data.dir })).toMatchObject({ code: 'USAGE' });
    expect(await refused({ out: join(data.dir, 'inside') })).toMatchObject({ code: 'USAGE' });
    const archives = join(root.folder, 'archives');
    const before = await contentsOf(archives);
    expect(await refused({ out: archives })).toMatchObject({ code: 'USAGE' });
    expect(await contentsOf(archives)).toEqual(before);
    const out = join(await temporaryFolder(), 'real');
    await mkdir(out);
    await writeFile(join(out, 'camelyonpatch_level_2_split_test_x.h5.gz'), 'real');
    expect(await refused({ out })).toMatchObject({ code: 'USAGE' });
    expect(await readdir(out)).toEqual(['camelyonpatch_level_2_split_test_x.h5.gz']);
  });

  it('links in the place of its files', async () => {
    const { out } = await make({ splits: ['test'], selection: { sample: 1 } });
    const victim = join(await temporaryFolder(), 'victim');
    await writeFile(victim, 'mine');
    const link = join(out, 'camelyonpatch_level_2_split_test_y.h5');
    await rm(link);
    await symlink(victim, link);
    expect(await refused({ out, splits: ['test'], force: true })).toMatchObject({ code: 'NOT_A_FOLDER' });
    expect(await readFile(victim, 'utf8')).toBe('mine');
  });

  it('an empty selection, more than there is, and wrong data; and leaves nothing behind', async () => {
    const folder = await temporaryFolder();
    const out = join(folder, 'out');
    expect(await refused({ out, selection: { perClass: 999 } })).toMatchObject({ exitCode: 2 });
    const indices = join(folder, 'indices.txt');
    await writeFile(indices, '# none\n');
    expect(await refused({ out, selection: { indices } })).toMatchObject({
      code: 'EMPTY_SELECTION',
      exitCode: 3,
    });
    const dir = join(folder, 'odd');
    await mkdir(dir);
    for (const kind of ['images', 'labels', 'meta'] as const) {
      const path = data.path('test', kind);
      await copyFile(path, join(dir, path.slice(data.dir.length + 1)));
    }
    const path = join(dir, 'camelyonpatch_level_2_split_test_x.h5');
    const bytes = await readFile(path);
    bytes[9000]! ^= 1;
    await writeFile(path, bytes);
    expect(await refused({ out, dir, splits: ['test'] })).toMatchObject({ code: 'NOT_VERIFIED' });
    expect(await refused({ out, dir, splits: ['test', 'valid'] })).toMatchObject({ code: 'MISSING' });
    expect((await readdir(folder)).sort()).toEqual(['indices.txt', 'odd']);
  });

  it('to continue when it is stopped, and leaves no temporary behind', async () => {
    const out = join(await temporaryFolder(), 'out');
    const stop = new AbortController();
    const onEvent = ({ type }: { type: string }) => {
      if (type === 'plan') stop.abort();
    };
    expect(await refused({ out, signal: stop.signal, onEvent })).toMatchObject({ code: 'ABORTED' });
    expect(await readdir(out)).toEqual([]);
  });
});

it('the command prints one document', async () => {
  const out = join(await temporaryFolder(), 'small');
  const manifest = join(root.folder, 'archives', 'manifest.json');
  const args = [
    '--dir',
    data.dir,
    '--manifest',
    manifest,
    '--out',
    out,
    '--split',
    'val',
    '--per-class',
    '2',
    '--json',
  ];
  const { code, stdout } = await runPcam(['subset', ...args]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    ok: true,
    out,
    files: [{ patches: 4 }, { patches: 4 }, { patches: 4 }],
  });
});
