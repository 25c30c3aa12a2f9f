import { existsSync } from 'node:fs';
import { appendFile, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { openDataset } from '#pcam/dataset/dataset.js';
import { openSplit } from '#pcam/dataset/split.js';
import { createFixture } from '#pcam/fixture/fixture.js';
import type { Manifest } from '#pcam/manifest/types.js';
import { makeDataset } from '../support/dataset.js';
import { temporaryFolder } from '../support/temp.js';

const PATCH = 96 * 96 * 3;
/** Where the array starts in files of a fixture. */
const DATA = 2048;

describe('a split', () => {
  it('has the patches, labels and rows of its files', async () => {
    const data = await makeDataset();
    const split = await openSplit({ ...data, split: 'train' });
    const images = (await readFile(data.path('train', 'images'))).subarray(DATA);
    const labels = (await readFile(data.path('train', 'labels'))).subarray(DATA);
    expect(split).toMatchObject({ name: 'train', count: 12 });
    expect(Buffer.compare(split.labels, labels)).toBe(0);
    expect(Buffer.compare(split.readPatches(0, 12), images)).toBe(0);
    expect(Buffer.compare(split.readPatches(3, 5), images.subarray(3 * PATCH, 5 * PATCH))).toBe(0);
    expect(split.readPatches(12, 12)).toHaveLength(0);
    const line = (await readFile(data.path('train', 'meta'), 'utf8')).split('\n')[5]!.split(',');
    expect(split.meta!.row(4)).toMatchObject({
      coord_y: Number(line[1]),
      coord_x: Number(line[2]),
      wsi: line[5],
    });
    split.close();
  });

  it('comes in batches, of which the last may be short', async () => {
    const data = await makeDataset();
    const split = await openSplit({ ...data, split: 'train' });
    const starts: number[] = [];
    for await (const batch of split.batches({ size: 5 })) {
      starts.push(batch.start);
      expect(batch.images).toHaveLength(batch.count * PATCH);
      expect(Buffer.compare(batch.images, split.readPatches(batch.start, batch.start + batch.count))).toBe(0);
      expect([...batch.labels]).toEqual([...split.labels.subarray(batch.start, batch.start + batch.count)]);
      expect(batch.meta).toHaveLength(batch.count);
    }
    expect(starts).toEqual([0, 5, 10]);
    const part = await split.batches({ start: 2, end: 4 }).next();
    expect(part.value).toMatchObject({ start: 2, count: 2 });
    split.close();
  });

  it('has no meta rows where the CSV is not in the folder', async () => {
    const data = await makeDataset();
    await rm(data.path('valid', 'meta'));
    const split = await openSplit({ ...data, split: 'valid' });
    const { value } = await split.batches().next();
    expect([split.meta, value!.meta]).toEqual([null, null]);
    split.close();
  });

  it('opens next to others, through links and odd folder names', async () => {
    const data = await makeDataset({ name: 'data ü 资料' });
    const link = join(await temporaryFolder(), 'link');
    await symlink(data.dir, link);
    const names = ['train', 'valid', 'test'] as const;
    const splits = await Promise.all(names.map((split) => openSplit({ ...data, dir: link, split })));
    expect(splits.map((split) => split.readPatches(0, split.count).length / PATCH)).toEqual([12, 6, 4]);
    for (const split of splits) split.close();
  });

  it('opens in a worker thread', async () => {
    const data = await makeDataset();
    const dist = import.meta.resolve('#pcam/dataset/split.js');
    const code = `const { parentPort, workerData } = require('node:worker_threads');
      import(workerData.dist).then(async ({ openSplit }) => {
        const split = await openSplit(workerData);
        parentPort.postMessage([split.count, split.readPatches(1, 2).length]);
        split.close();
      });`;
    const workerData = { dir: data.dir, manifest: data.manifest, split: 'test', dist };
    const worker = new Worker(code, { eval: true, workerData });
    expect(
      await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject)),
    ).toEqual([4, PATCH]);
    await worker.terminate();
  });

  it('stops on abort', async () => {
    const data = await makeDataset();
    const split = await openSplit({ ...data, split: 'train' });
    const batches = split.batches({ size: 1, signal: AbortSignal.abort() });
    await expect(batches.next()).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(split.batches({ size: 0 }).next()).rejects.toMatchObject({ code: 'USAGE' });
    expect(() => split.readPatches(4, 13)).toThrow(RangeError);
    split.close();
    expect(() => split.readPatches(0, 1)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});

describe('a split is refused', () => {
  it('when its files are missing, with the command that brings them', async () => {
    const data = await makeDataset();
    for (const kind of ['labels', 'images'] as const) {
      await rm(data.path('valid', kind));
      await expect(openSplit({ ...data, split: 'valid' })).rejects.toMatchObject({
        code: 'MISSING',
        next: { command: 'download', splits: ['valid'] },
      });
    }
  });

  it('when the images are cut short, or no HDF5 at all', async () => {
    const data = await makeDataset();
    const images = data.path('test', 'images');
    for (const bytes of [DATA + 2 * PATCH, 1000, 3, 0]) {
      await truncate(images, bytes);
      await expect(openSplit({ ...data, split: 'test' })).rejects.toMatchObject({ code: 'BAD_HDF5' });
    }
    await writeFile(images, '<html>Quota exceeded</html>');
    const wrong = { code: 'BAD_HDF5', message: expect.stringMatching(/_test_x\.h5 .*expected an HDF5 file/) };
    await expect(openSplit({ ...data, split: 'test' })).rejects.toMatchObject(wrong);
  });

  it('when a folder stands in place of a file', async () => {
    const data = await makeDataset();
    const nested = { ...data, manifest: withName(data.manifest, 'sub') };
    await createFixture({ dir: join(data.dir, 'sub'), train: 2, valid: 2, test: 2 });
    await expect(openSplit({ ...nested, split: 'test' })).rejects.toMatchObject({ code: 'BAD_HDF5' });
  });

  it('when images, labels and rows differ in number', async () => {
    const data = await makeDataset({ valid: 6, test: 4 });
    const other = await readFile(data.path('valid', 'labels'));
    await writeFile(data.path('test', 'labels'), other);
    await expect(openSplit({ ...data, split: 'test' })).rejects.toMatchObject({
      code: 'BAD_DATA',
      message: expect.stringMatching(/4 labels.*found 6/),
    });
    await appendFile(data.path('valid', 'meta'), '6,1,1,True,True,slide\n');
    await expect(openSplit({ ...data, split: 'valid' })).rejects.toMatchObject({
      code: 'BAD_DATA',
      message: expect.stringMatching(/6 rows.*found 7/),
    });
  });

  it('when its shape is not the one of the manifest', async () => {
    const data = await makeDataset({ valid: 6, test: 4 });
    await writeFile(data.path('test', 'images'), await readFile(data.path('valid', 'images')));
    await expect(openSplit({ ...data, split: 'test' })).rejects.toMatchObject({
      code: 'BAD_HDF5',
      message: expect.stringContaining('expected shape (4, 96, 96, 3) for x, found shape (6, 96, 96, 3)'),
    });
  });

  it('when a label is neither 0 nor 1', async () => {
    const data = await makeDataset();
    const labels = await readFile(data.path('train', 'labels'));
    labels[DATA + 7] = 2;
    await writeFile(data.path('train', 'labels'), labels);
    await expect(openSplit({ ...data, split: 'train' })).rejects.toMatchObject({
      code: 'BAD_DATA',
      found: '2 at index 7',
    });
  });

  it('when the manifest knows no such files', async () => {
    const data = await makeDataset();
    const files = data.manifest.files.filter((file) => file.split !== 'test');
    const wrong = openSplit({ ...data, manifest: { ...data.manifest, files }, split: 'test' });
    await expect(wrong).rejects.toMatchObject({ code: 'BAD_MANIFEST' });
  });

  it.each(['y', '', '/', 'x/x', 'no', '\0', '..'])('when the manifest names the array %j', async (path) => {
    const data = await makeDataset();
    const files = data.manifest.files.map((file) => ({
      ...file,
      array: file.array && { ...file.array, path },
    }));
    const wrong = openSplit({ ...data, manifest: { ...data.manifest, files }, split: 'test' });
    await expect(wrong).rejects.toMatchObject({ code: 'BAD_HDF5' });
  });
});

describe('a data set folder', () => {
  it('knows the splits that are there, and opens each once', async () => {
    const { dir, manifest, path } = await makeDataset();
    await rm(path('valid', 'labels'));
    const data = await openDataset({ dir, manifest });
    expect(data.splits).toEqual(['train', 'test']);
    expect(await data.split('test')).toBe(await data.split('test'));
    await expect(data.split('valid')).rejects.toMatchObject({ code: 'MISSING' });
    data.close();
  });

  it('has to be a folder', async () => {
    const file = join(await temporaryFolder(), 'file');
    await expect(openDataset({ dir: file })).rejects.toMatchObject({ code: 'MISSING' });
    await writeFile(file, '');
    await expect(openDataset({ dir: file })).rejects.toMatchObject({ code: 'NOT_A_FOLDER' });
  });
});

it.runIf(existsSync('/proc/self/fd'))('gives every descriptor back, of files that fail too', async () => {
  const { readdir } = await import('node:fs/promises');
  const data = await makeDataset();
  await truncate(data.path('valid', 'images'), DATA);
  const before = (await readdir('/proc/self/fd')).length;
  for (let i = 0; i < 5; i++) {
    (await openSplit({ ...data, split: 'train' })).close();
    await expect(openSplit({ ...data, split: 'valid' })).rejects.toMatchObject({ code: 'BAD_HDF5' });
  }
  expect((await readdir('/proc/self/fd')).length).toBe(before);
});

/** The manifest with every file called `name`. */
function withName(manifest: Manifest, name: string): Manifest {
  const files = manifest.files.map((file) => ({ ...file, name, extracted: undefined }));
  return { ...manifest, files };
}
