/** `pcam preview` from end to end: the file, its document, and what it refuses. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSplit } from '#pcam/dataset/split.js';
import { type PreviewResult, preview } from '#pcam/explore/preview/preview.js';
import { SPLITS } from '#pcam/manifest/types.js';
import { makeDataset, type TestDataset } from '../../support/dataset.js';
import { runPcam } from '../../support/in-process.js';
import { pcamError } from '../../support/outcome.js';
import { decodePng } from '../../support/png.js';
import { sharedFolder, temporaryFolder } from '../../support/temp.js';

let root: { folder: string; remove: () => Promise<void> };
let data: TestDataset;
beforeAll(async () => {
  root = await sharedFolder();
  data = await makeDataset({ train: 80, valid: 40, test: 20, root: root.folder });
});
afterAll(() => root.remove());

async function sheet(
  options: Partial<Parameters<typeof preview>[0]> = {},
): Promise<PreviewResult & { png: Buffer }> {
  const out = join(await temporaryFolder(), 'sheet.png');
  const result = await preview({ dir: data.dir, manifest: data.manifest, scale: 1, ...options, out });
  return { ...result, png: await readFile(out) };
}

const pcam = (args: readonly string[], env: Record<string, string> = {}) =>
  runPcam(
    ['preview', '--dir', data.dir, '--manifest', join(root.folder, 'archives', 'manifest.json'), ...args],
    {
      env,
    },
  );

describe('the file', () => {
  it('shows half positive and half negative patches at the places that are reported', async () => {
    const { width, height, patches, png } = await sheet();
    const picture = decodePng(png);
    expect(picture).toMatchObject({ width, height });
    expect(patches).toHaveLength(32);
    expect(patches.filter(({ label }) => label === 1)).toHaveLength(16);
    expect(new Set(patches.map(({ split }) => split))).toEqual(new Set(['train', 'valid', 'test']));
    const splits = await Promise.all(
      SPLITS.map((split) => openSplit({ dir: data.dir, manifest: data.manifest, split })),
    );
    for (const { split: name, index, label, x, y, size } of patches) {
      const split = splits.find((one) => one.name === name)!;
      expect([label, size]).toEqual([split.labels[index], 96]);
      const pixels = split.readPatches(index, index + 1);
      for (const [column, row] of [
        [0, 0],
        [95, 0],
        [0, 95],
        [95, 95],
        [30, 31],
        [48, 48],
        [32, 32],
      ] as const) {
        const at = ((y + row) * width + x + column) * 3;
        const from = (row * 96 + column) * 3;
        expect([...picture.pixels.subarray(at, at + 3)]).toEqual([...pixels.subarray(from, from + 3)]);
      }
      const box = ((y + 31) * width + x + 31) * 3;
      expect([...picture.pixels.subarray(box, box + 3)].join() === '0,255,0').toBe(label === 1);
    }
    for (const split of splits) split.close();
  });

  it('has the same bytes again, and other patches for another seed', async () => {
    const first = await sheet();
    expect(Buffer.compare((await sheet()).png, first.png)).toBe(0);
    expect((await sheet({ selection: { seed: 1 } })).patches).not.toEqual(first.patches);
  });

  it('shows a sample whole and in its order, and no more rows than are asked for', async () => {
    const selection = { perClass: 15, shuffle: true };
    const all = await sheet({ splits: ['train'], selection, cols: 7 });
    expect(all.patches).toHaveLength(30);
    const some = await sheet({ splits: ['train'], selection, cols: 7, rows: 2 });
    expect(some.patches).toEqual(all.patches.slice(0, 14));
    const few = await sheet({ splits: ['valid'], selection: { sample: 3 } });
    expect(new Set(few.patches.map(({ y }) => y)).size).toBe(1);
    expect(few.width).toBeLessThan(400);
  });

  it('shows a file of indices in the order of the file, and in another one when it is shuffled', async () => {
    const indices = join(await temporaryFolder(), 'wrong.txt');
    await writeFile(indices, 'test,7\ntrain,40\ntest,3\nvalid,0\ntrain,2\n');
    const shown = async (selection: object) =>
      (await sheet({ selection: { indices, ...selection } })).patches.map(
        ({ split, index }) => `${split},${index}`,
      );
    const listed = ['test,7', 'train,40', 'test,3', 'valid,0', 'train,2'];
    expect(await shown({})).toEqual(listed);
    expect(await shown({ slides: ['*'] })).toEqual(listed);
    expect((await shown({ shuffle: true })).slice(-2).sort()).toEqual(['test,3', 'test,7']);
  });

  it('is drawn from one split without labels and meta: what is unknown is null', async () => {
    const dir = join(await temporaryFolder(), 'bare');
    await mkdir(dir);
    await writeFile(
      join(dir, 'camelyonpatch_level_2_split_test_x.h5'),
      await readFile(data.path('test', 'images')),
    );
    const { patches } = await sheet({ dir });
    expect(patches).toHaveLength(20);
    expect(new Set(patches.map(({ label }) => label))).toEqual(new Set([null]));
  });
});

describe('it refuses', () => {
  it('a folder that is not there, an empty selection, more than there is, and a picture that is too large', async () => {
    const place = join(root.folder, 'nowhere', 'sheet.png');
    const options = { dir: data.dir, manifest: data.manifest };
    expect(await pcamError(preview({ ...options, out: place }))).toMatchObject({
      code: 'NOT_A_FOLDER',
      exitCode: 5,
    });
    expect(await pcamError(preview({ ...options, out: root.folder }))).toMatchObject({ exitCode: 5 });
    expect(await pcamError(sheet({ selection: { perClass: 9999 } }))).toMatchObject({ exitCode: 2 });
    expect(await pcamError(sheet({ selection: { slides: ['*none*'] } }))).toMatchObject({ exitCode: 2 });
    expect(await pcamError(sheet({ rows: 100, cols: 100, scale: 9 }))).toMatchObject({ code: 'USAGE' });
    expect(await pcamError(sheet({ dir: join(root.folder, 'archives') }))).toMatchObject({ code: 'MISSING' });
  });

  it('a split that is missing and labels that do not fit, and leaves no file behind', async () => {
    const folder = await temporaryFolder();
    const dir = join(folder, 'odd');
    await mkdir(dir);
    await writeFile(
      join(dir, 'camelyonpatch_level_2_split_test_x.h5'),
      await readFile(data.path('test', 'images')),
    );
    const out = join(folder, 'sheet.png');
    const options = { dir, manifest: data.manifest, out };
    expect(await pcamError(preview({ ...options, splits: ['train'] }))).toMatchObject({ code: 'MISSING' });
    await writeFile(
      join(dir, 'camelyonpatch_level_2_split_test_y.h5'),
      await readFile(data.path('train', 'labels')),
    );
    expect(await pcamError(preview(options))).toMatchObject({ exitCode: 3 });
    expect(await readdir(folder)).toEqual(['odd']);
  });
});

describe('the command', () => {
  it('prints one document, and nothing else on stdout', async () => {
    const out = join(await temporaryFolder(), 'sheet.png');
    const { code, stdout } = await pcam(['--rows', '2', '--cols', '3', '--scale', '3', '-o', out, '--json']);
    const document = JSON.parse(stdout) as PreviewResult;
    expect([code, document.ok, document.out, document.patches.length]).toEqual([0, true, out, 6]);
    expect(document.patches[0]!.size).toBe(288);
    await rm(out);
  });

  it('asks for a file where there is no terminal', async () => {
    const { code, stdout, stderr } = await pcam([]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('-o sheet.png');
    expect(JSON.parse((await pcam(['--json'])).stdout)).toMatchObject({
      ok: false,
      error: { code: 'USAGE' },
    });
  });
});
