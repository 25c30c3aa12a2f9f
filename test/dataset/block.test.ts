/** Arrays that are read past HDF5: only those that lie in one block, and with the same bytes. */
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openArray } from '#pcam/dataset/array.js';
import { findBlock } from '#pcam/dataset/block.js';
import { openHdf5 } from '#pcam/dataset/hdf5.js';
import { createFixture } from '#pcam/fixture/fixture.js';
import { sharedFolder } from '../support/temp.js';

/** Where the fixture, as h5py, begins the data. */
const DATA = 2048;
const SHAPE = [6, 96, 96, 3];
const ROW = 96 * 96 * 3;

let root: { folder: string; remove: () => Promise<void> };
let file: string;
beforeAll(async () => {
  root = await sharedFolder();
  await createFixture({ dir: root.folder, train: 6, valid: 2, test: 2 });
  file = join(root.folder, 'x.h5');
  writeFileSync(
    file,
    gunzipSync(readFileSync(join(root.folder, 'camelyonpatch_level_2_split_train_x.h5.gz'))),
  );
});
afterAll(() => root.remove());

it('is found where the data begins, and what is read of it is what the file has', async () => {
  const array = await openArray(file, 'x');
  const rows = new Uint8Array(3 * ROW);
  array.read({ offset: [2, 0, 0, 0], count: [3, 96, 96, 3], target: rows });
  expect(Buffer.compare(rows, readFileSync(file).subarray(DATA + 2 * ROW, DATA + 5 * ROW))).toBe(0);
  const part = new Uint8Array(3);
  array.read({ offset: [5, 95, 95, 0], count: [1, 1, 1, 3], target: part });
  expect(Buffer.compare(part, readFileSync(file).subarray(DATA + 6 * ROW - 3, DATA + 6 * ROW))).toBe(0);
  array.close();
});

it('is where HDF5 reads the first row, if the last one fits that', async () => {
  const h5 = await openHdf5(file);
  const block = h5.module._malloc(ROW);
  const readRow = (index: number, target: Uint8Array) => {
    const offset = [BigInt(index), 0n, 0n, 0n];
    h5.module.get_dataset_data(h5.id, 'x', [1n, 96n, 96n, 3n], offset, [1n, 1n, 1n, 1n], BigInt(block));
    target.set(h5.module.HEAPU8.subarray(block, block + target.length));
  };
  const info = {
    shape: SHAPE,
    type: 'uint8',
    isInteger: true,
    signed: false,
    size: 1,
    chunks: null,
    filtered: false,
  };
  expect(findBlock(h5, info, readRow)).toBe(DATA);
  expect(findBlock(h5, { ...info, chunks: [1, 96, 96, 3] }, readRow)).toBeUndefined();
  // A reader whose rows are not what it reads from those places.
  const readSevens = (index: number, target: Uint8Array) => {
    readRow(index, target);
    target.fill(7);
  };
  expect(findBlock(h5, info, readSevens)).toBeUndefined();
  expect(findBlock(h5, info, (index, target) => readRow(Math.min(index, 1), target))).toBeUndefined();
  h5.close();
});

it('that is cut after it was opened ends in an error, not in zeros', async () => {
  const copy = join(root.folder, 'cut.h5');
  writeFileSync(copy, readFileSync(file));
  const array = await openArray(copy, 'x');
  truncateSync(copy, DATA + 3 * ROW);
  const target = new Uint8Array(2 * ROW);
  array.read({ offset: [1, 0, 0, 0], count: [2, 96, 96, 3], target });
  expect(() => array.read({ offset: [2, 0, 0, 0], count: [2, 96, 96, 3], target })).toThrow(
    expect.objectContaining({ code: 'BAD_HDF5' }),
  );
});
