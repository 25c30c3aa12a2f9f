/** Power loss: what the disk did not keep is found on resume, and only that is fetched again. */
import { appendFile, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { download } from '#pcam/download/download.js';
import { type FaultServer, sourceAt, startServer } from '../support/fault-server.js';
import { type Mini, makeMini } from '../support/mini.js';
import { CHUNK, claims, partialPaths } from '../support/part.js';
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

interface Arrived {
  dir: string;
  /** The partial download. */
  path: string;
  ranges: { start: number; end: number }[];
}

/** A folder in which all of the archive has arrived, and nothing has become of it yet. */
async function arrived(): Promise<Arrived> {
  const dir = fresh();
  const manifest = structuredClone(mini.manifest({ web: sourceAt('http', server.url) }));
  // A manifest that is wrong about what comes out stops pcam just before the end.
  Object.assign(manifest.files[0]!.extracted!, { md5: '0'.repeat(32) });
  const { files } = await download({ dir, manifest, connections: 1 });
  expect(files[0]!.error!.code).toBe('DIGEST_MISMATCH');
  const [path] = partialPaths(dir, NAME);
  const { length } = mini.served.get(NAME)!;
  const ranges = (await claims(path!))
    .map(({ index }) => ({ start: index * CHUNK, end: Math.min((index + 1) * CHUNK, length) }))
    .sort((a, b) => a.start - b.start);
  expect(ranges.length).toBe(Math.ceil(length / CHUNK));
  return { dir, path: path!, ranges };
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

  test('a chunk of zeros is fetched again, and only that', async () => {
    const { dir, path, ranges } = await arrived();
    const { start, end } = ranges[2]!;
    await overwrite(path, start, new Uint8Array(end - start));
    expect(await resume(dir)).toEqual([[start, end]]);
  });

  test('one wrong bit in each of two chunks', async () => {
    const { dir, path, ranges } = await arrived();
    const whole = mini.served.get(NAME)!;
    const damaged = [ranges[0]!, ranges[3]!];
    for (const { end } of damaged) {
      await overwrite(path, end - 1, Uint8Array.of(whole[end - 1]! ^ 1));
    }
    expect(await resume(dir)).toEqual(damaged.map(({ start, end }) => [start, end]));
  });

  test('a partial download that was cut', async () => {
    const { dir, path, ranges } = await arrived();
    const cut = ranges.at(-2)!;
    await truncate(path, cut.start + 10);
    expect(await resume(dir)).toEqual([[cut.start, ranges.at(-1)!.end]]);
  });

  test('a chunk with stale bytes of another place', async () => {
    const { dir, path, ranges } = await arrived();
    const { start, end } = ranges[1]!;
    await overwrite(path, start, mini.served.get(NAME)!.subarray(0, end - start));
    expect(await resume(dir)).toEqual([[start, end]]);
  });

  test('a journal whose last line was torn loses that line', async () => {
    const { dir, path, ranges } = await arrived();
    const text = await readFile(`${path}.journal`, 'utf8');
    await writeFile(`${path}.journal`, text.slice(0, -5));
    const index = Number(text.trimEnd().split('\n').at(-1)!.split(' ')[1]);
    expect(await resume(dir)).toEqual([[index * CHUNK, ranges[index]!.end]]);
  });

  test('a journal with garbage in it', async () => {
    const { dir, path } = await arrived();
    await appendFile(`${path}.journal`, '\0\0\0\0c 0 1 x\nc -5 0 web\nc 99999999999999 0 web\nv web {\n\xff');
    expect(await resume(dir)).toEqual([]);
  });

  test('a partial download without a journal proves nothing', async () => {
    const { dir, path } = await arrived();
    await rm(`${path}.journal`);
    expect(await resume(dir)).toEqual([[0, mini.served.get(NAME)!.length]]);
  });

  test('a journal without its bytes proves nothing', async () => {
    const { dir, path } = await arrived();
    await rm(path);
    expect(await resume(dir)).toEqual([[0, mini.served.get(NAME)!.length]]);
  });

  test('the partial download of another file of the same name', async () => {
    const { dir, path } = await arrived();
    const journal = await readFile(`${path}.journal`, 'utf8');
    await writeFile(`${path}.journal`, journal.replace(/"md5":"[0-9a-f]{4}/, '"md5":"0000'));
    expect(await resume(dir)).toEqual([[0, mini.served.get(NAME)!.length]]);
  });
});

test('the partial download of a file that is done goes with the next run', async () => {
  const { dir } = await arrived();
  // As if the power had gone between the rename and the removal of the partial download.
  await writeFile(join(dir, FINAL), mini.contents.get(FINAL)!);
  const { files } = await download({ dir, manifest: mini.manifest({ web: sourceAt('http', server.url) }) });
  expect(files[0]!.status).toBe('present');
  expect(await readdir(join(dir, '.pcam', 'partial'))).toEqual([]);
});
