/** Arrays of HDF5 files: what is read is what the file has, and the error is the system's where it cannot read. */
import { readdirSync, readFileSync, readlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openArray } from '#pcam/dataset/hdf5.js';
import { createFixture } from '#pcam/fixture/fixture.js';
import { pcamError } from '../support/outcome.js';
import { sharedFolder } from '../support/temp.js';
import { until } from '../support/until.js';

/** Where the fixture, as h5py, begins the data. */
const DATA = 2048;
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

it('reads rows of an array that lies in one block', async () => {
  const array = await openArray(file, 'x');
  const rows = new Uint8Array(3 * ROW);
  array.readRows(2, rows);
  expect(Buffer.compare(rows, readFileSync(file).subarray(DATA + 2 * ROW, DATA + 5 * ROW))).toBe(0);
  for (const [start, bytes] of [
    [4, 3 * ROW],
    [-1, 3 * ROW],
    [0, ROW - 1],
  ] as const) {
    expect(() => array.readRows(start, new Uint8Array(bytes))).toThrow(RangeError);
  }
  array.close();
  expect(() => array.readRows(2, rows)).toThrow(/after it was closed/);
});

it('ends in an error, not in zeros, when the file was cut after it was opened', async () => {
  const copy = join(root.folder, 'cut.h5');
  writeFileSync(copy, readFileSync(file));
  const array = await openArray(copy, 'x');
  truncateSync(copy, DATA + 3 * ROW);
  const target = new Uint8Array(2 * ROW);
  array.readRows(1, target);
  expect(() => array.readRows(2, target)).toThrow(expect.objectContaining({ code: 'BAD_HDF5' }));
});

it.skipIf(process.platform !== 'linux')(
  'closes its file once what is being prefetched is there',
  async () => {
    const open = () => readdirSync('/proc/self/fd').filter((fd) => linkOf(fd) === file).length;
    const array = await openArray(file, 'x');
    array.prefetch!(Uint32Array.of(5, 0, 3, 5));
    const row = new Uint8Array(ROW);
    array.readRows(5, row);
    expect(Buffer.compare(row, readFileSync(file).subarray(DATA + 5 * ROW, DATA + 6 * ROW))).toBe(0);
    array.close();
    await until('the file is closed', async () => expect(open()).toBe(0));
  },
);

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return ''; // that of the listing itself
  }
}

// Its first bytes are in no one's address space.
it.skipIf(process.platform !== 'linux')(
  'does not call a file damaged that the system cannot read',
  async () => {
    expect(await pcamError(openArray('/proc/self/mem', 'x'))).toMatchObject({
      code: 'IO',
      message: expect.stringMatching(/EIO while reading \/proc\/self\/mem/),
    });
  },
);
