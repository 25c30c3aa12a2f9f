/** Power loss: what the disk did not keep is found on resume, and only that is fetched again. */
import { appendFile, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { download } from '#pcam/download/download.js';
import { type FaultServer, sourceAt, startServer } from '../support/fault-server.js';
import { type Mini, makeMini } from '../support/mini.js';
import { type Claim, claims, journalPath, partPath } from '../support/part.js';
import { sharedFolder } from '../support/temp.js';

const NAME = 'camelyonpatch_level_2_split_valid_x.h5.gz';
const FINAL = 'camelyonpatch_level_2_split_valid_x.h5';

let root: { folder: string; remove: () => Promise<void> };
let mini: Mini;
let folders = 0;
const fresh = () => join(root.folder, String(folders++));
let server: FaultServer;

beforeAll(async () => {
  root = await sharedFolder();
  mini = await makeMini(join(root.folder, 'served'), [{ bytes: 9 * 1024 * 1024, gzip: true }]);
  server = await startServer({ folder: mini.folder });
});

afterAll(async () => {
  await server.close();
  await root.remove();
});

/** A folder in which all of the archive has arrived, and nothing has become of it yet. */
async function arrived(): Promise<{ dir: string; ranges: Claim[] }> {
  const dir = fresh();
  const manifest = structuredClone(mini.manifest({ web: sourceAt('http', server.url) }));
  // A manifest that is wrong about what comes out stops pcam just before the end.
  Object.assign(manifest.files[0]!.extracted!, { md5: '0'.repeat(32) });
  // One connection: several divide the rest among them, and then a few bytes come twice.
  const { files } = await download({ dir, manifest, connections: 1 });
  expect(files[0]!.error!.code).toBe('DIGEST_MISMATCH');
  const ranges = (await claims(dir, NAME)).sort((a, b) => a.start - b.start);
  expect(ranges.length).toBeGreaterThan(4);
  expect(ranges.at(-1)!.end).toBe(mini.served.get(NAME)!.length);
  return { dir, ranges };
}

/** Runs the download again; returns the ranges that it asked for, put together. */
async function resume(dir: string): Promise<[number, number][]> {
  const asked: [number, number][] = [];
  const own = await startServer({ folder: mini.folder });
  try {
    const manifest = mini.manifest({ web: sourceAt('http', own.url) });
    const { files } = await download({ dir, manifest, connections: 1 });
    expect(files[0]!.error).toBeUndefined();
    expect(mini.contents.get(FINAL)!.equals(await readFile(join(dir, FINAL)))).toBe(true);
    const ranges = own.requests.map(({ range }) => range!).sort((a, b) => a.start - b.start);
    for (const { start, end } of ranges) {
      const last = asked.at(-1);
      if (last && last[1] >= start) last[1] = Math.max(last[1], end);
      else asked.push([start, end]);
    }
    expect(files[0]!.transferred).toBe(asked.reduce((sum, [start, end]) => sum + end - start, 0));
  } finally {
    await own.close();
  }
  return asked;
}

async function overwrite(path: string, start: number, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.write(bytes, 0, bytes.length, start);
  } finally {
    await handle.close();
  }
}

describe.concurrent('after a power loss', () => {
  test('nothing is fetched again when all is there', async () => {
    const { dir } = await arrived();
    expect(await resume(dir)).toEqual([]);
  });

  test('a range of zeros is fetched again, and only that', async () => {
    const { dir, ranges } = await arrived();
    const { start, end } = ranges[2]!;
    await overwrite(partPath(dir, NAME), start, new Uint8Array(end - start));
    expect(await resume(dir)).toEqual([[start, end]]);
  });

  test('one wrong bit in each of two ranges', async () => {
    const { dir, ranges } = await arrived();
    const whole = mini.served.get(NAME)!;
    const damaged = [ranges[0]!, ranges[3]!];
    for (const { end } of damaged) {
      await overwrite(partPath(dir, NAME), end - 1, Uint8Array.of(whole[end - 1]! ^ 1));
    }
    expect(await resume(dir)).toEqual(damaged.map(({ start, end }) => [start, end]));
  });

  test('a part that was cut', async () => {
    const { dir, ranges } = await arrived();
    const cut = ranges.at(-2)!;
    await truncate(partPath(dir, NAME), cut.start + 10);
    expect(await resume(dir)).toEqual([[cut.start, ranges.at(-1)!.end]]);
  });

  test('a range with stale bytes of another place', async () => {
    const { dir, ranges } = await arrived();
    const { start, end } = ranges[1]!;
    await overwrite(partPath(dir, NAME), start, mini.served.get(NAME)!.subarray(0, end - start));
    expect(await resume(dir)).toEqual([[start, end]]);
  });

  test('a journal whose last line was torn loses that line', async () => {
    const { dir } = await arrived();
    const text = await readFile(journalPath(dir, NAME), 'utf8');
    await writeFile(journalPath(dir, NAME), text.slice(0, -20));
    const lines = text.trimEnd().split('\n');
    const [, start, end] = lines.at(-1)!.split(' ').map(Number);
    expect(await resume(dir)).toEqual([[start, end]]);
  });

  test('a journal with garbage in it', async () => {
    const { dir } = await arrived();
    await appendFile(
      journalPath(dir, NAME),
      '\0\0\0\0r 0 1 x\nr 5 4 0 web\nr 0 99999999999999 0 web\nv web {\n\xff',
    );
    expect(await resume(dir)).toEqual([]);
  });

  test('a part without a journal proves nothing', async () => {
    const { dir } = await arrived();
    await rm(journalPath(dir, NAME));
    expect(await resume(dir)).toEqual([[0, mini.served.get(NAME)!.length]]);
  });

  test('a journal without its part proves nothing', async () => {
    const { dir } = await arrived();
    await rm(partPath(dir, NAME));
    expect(await resume(dir)).toEqual([[0, mini.served.get(NAME)!.length]]);
  });

  test('the part of another file of the same name', async () => {
    const { dir } = await arrived();
    const journal = await readFile(journalPath(dir, NAME), 'utf8');
    await writeFile(journalPath(dir, NAME), journal.replace(/"md5":"[0-9a-f]{4}/, '"md5":"0000'));
    expect(await resume(dir)).toEqual([[0, mini.served.get(NAME)!.length]]);
  });
});

test('the part of a file that is done goes with the next run', async () => {
  const { dir } = await arrived();
  // As if the power had gone between the rename and the removal of the part.
  await writeFile(join(dir, FINAL), mini.contents.get(FINAL)!);
  const { files } = await download({ dir, manifest: mini.manifest({ web: sourceAt('http', server.url) }) });
  expect(files[0]!.status).toBe('present');
  expect(await readdir(join(dir, '.pcam', 'parts'))).toEqual([]);
});
