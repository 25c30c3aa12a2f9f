/** A partial download that version 0.2 left is gone on with: what its journal claims and the disk still has. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { expect, it } from 'vitest';
import { contents, fetchAll, holding } from '../support/download.js';
import { archive, noise, put } from '../support/files.js';
import { CHUNK } from '../support/part.js';
import { serveFiles } from '../support/server.js';
import { temporaryFolder } from '../support/temp.js';

const x = archive('train_x.h5', noise(1_500_000));
const { name, md5, bytes } = x.file;

/** Leaves a part file with all bytes, and a journal that claims these ranges. */
async function leave(
  ranges: [start: number, end: number][],
  part = x.served,
  header = { pcam: 1, name, md5, bytes },
) {
  const lines = ranges.map(
    ([start, end]) => `r ${start} ${end} ${crc32(x.served.subarray(start, end)).toString(16)} a`,
  );
  const journal = `${[JSON.stringify(header), 'v a "etag"', ...lines].join('\n')}\n`;
  return await put(await temporaryFolder(), {
    [`.pcam/parts/${name}.part`]: part,
    [`.pcam/parts/${name}.journal`]: journal,
  });
}

async function resume(dir: string) {
  const server = await serveFiles({ [name]: x.served });
  const { result } = await fetchAll({ files: [x], at: { web: server.url }, dir, connections: 1 });
  expect(await contents(dir)).toEqual(holding([x]));
  expect(existsSync(join(dir, '.pcam', 'parts'))).toBe(false);
  const { status, transferred } = result.files[0]!;
  return { status, kept: x.served.length - transferred };
}

it.each([
  ['whole chunks', [[0, 2 * CHUNK]], 2],
  [
    'chunks that several ranges cover together',
    [
      [10, CHUNK],
      [0, 10],
      [CHUNK, CHUNK + 5],
    ],
    1,
  ],
  [
    'ranges behind a hole, and the last chunk',
    [
      [CHUNK + 1, 3 * CHUNK],
      [5 * CHUNK, x.served.length],
    ],
    1,
  ],
  [
    'a range that is claimed twice',
    [
      [0, CHUNK],
      [0, CHUNK],
    ],
    1,
  ],
] as [string, [number, number][], number][])('%s', async (_, ranges, whole) => {
  const last = ranges.some(([, end]) => end === x.served.length) ? x.served.length % CHUNK : 0;
  expect(await resume(await leave(ranges))).toEqual({ status: 'resumed', kept: whole * CHUNK + last });
});

it('a range whose bytes have changed is forgotten, and only that', async () => {
  const part = Buffer.from(x.served);
  part[CHUNK + 7]! ^= 1;
  const dir = await leave(
    [
      [0, CHUNK],
      [CHUNK, 2 * CHUNK],
      [2 * CHUNK, 3 * CHUNK],
    ],
    part,
  );
  expect(await resume(dir)).toEqual({ status: 'resumed', kept: 2 * CHUNK });
});

it.each([
  [
    'ranges that cannot be',
    [
      [0, 2 ** 45],
      [7, 7],
      [9, 3],
    ] as [number, number][],
    undefined,
  ],
  [
    'the journal of another file',
    [[0, CHUNK]] as [number, number][],
    { pcam: 1, name, md5: '0'.repeat(32), bytes },
  ],
])('%s claim nothing', async (_, ranges, header) => {
  expect(await resume(await leave(ranges, x.served, header))).toEqual({ status: 'downloaded', kept: 0 });
});

it('a link in the place of the folder leads nowhere', async () => {
  const elsewhere = join(await leave([[0, CHUNK]]), '.pcam', 'parts');
  const dir = await temporaryFolder();
  await mkdir(join(dir, '.pcam'));
  await symlink(elsewhere, join(dir, '.pcam', 'parts'));
  await expect(fetchAll({ files: [x], at: { web: 'http://127.0.0.1:1' }, dir })).rejects.toMatchObject({
    code: 'NOT_A_FOLDER',
  });
  expect(await readdir(elsewhere)).toHaveLength(2);
});
