/** Export against the disk, and beside a download. */
import {
  closeSync,
  openSync,
  readSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { download } from '#pcam/download/download.js';
import { exportDataset } from '#pcam/export/export.js';
import { createFixture } from '#pcam/fixture/fixture.js';
import { readManifest } from '#pcam/manifest/parse.js';
import type { Manifest } from '#pcam/manifest/types.js';
import { sourceAt, startServer } from '../support/fault-server.js';
import { canMount, smallDisk } from '../support/small-disk.js';
import { sharedFolder } from '../support/temp.js';

const MB = 1024 * 1024;
const mountable = await canMount();

let root: { folder: string; remove: () => Promise<void> };
let served: string;
let manifest: Manifest;
let dir: string;

beforeAll(async () => {
  root = await sharedFolder();
  served = join(root.folder, 'served');
  const fixture = await createFixture({ dir: served, train: 128, valid: 64, test: 64 });
  manifest = await readManifest(fixture.manifest);
  dir = join(root.folder, 'pcam');
  await download({ dir, manifest });
});

afterAll(() => root.remove());

const options = (out: string) => ({
  dir,
  manifest,
  out,
  format: 'raw' as const,
  splits: ['valid' as const],
  shardSize: 16,
  workers: 2, // in threads, small as it is
});

async function contents(folder: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) files.set(path.slice(folder.length), (await readFile(path)).toString('base64'));
  }
  return files;
}

describe.skipIf(!mountable)('a full disk in export', () => {
  test('ends it, keeps no half shard, and the next run continues', async () => {
    await using disk = await smallDisk(8 * MB);
    const out = join(disk.folder, 'out');
    const ballast = join(disk.folder, 'ballast');
    const failed = exportDataset({
      ...options(out),
      // Another program fills the disk once pcam has found enough room: two shards of 0.44 MB fit.
      onEvent: (event) => {
        if (event.type !== 'plan') return;
        const { bavail, bsize } = statfsSync(disk.folder);
        writeFileSync(ballast, Buffer.alloc(bavail * bsize - 1.1 * MB));
      },
    });
    await expect(failed).rejects.toMatchObject({ code: 'DISK_FULL' });
    rmSync(ballast);
    const { shards } = await exportDataset(options(out));
    expect(shards.some(({ status }) => status === 'present')).toBe(true);
    const elsewhere = join(root.folder, 'elsewhere');
    await exportDataset(options(elsewhere));
    expect([...(await contents(out))].sort()).toEqual([...(await contents(elsewhere))].sort());
  });

  test('a read-only disk is no place to export to', async () => {
    await using disk = await smallDisk(8 * MB);
    await disk.readOnly();
    const failed = exportDataset(options(join(disk.folder, 'out')));
    await expect(failed).rejects.toMatchObject({ code: 'NO_PERMISSION' });
  });
});

describe('export during a download', () => {
  test('of a split that is there gives the right bytes, and of one that is not a clear error', async () => {
    const own = join(root.folder, 'both');
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    let arrive = () => {};
    const arrived = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const server = await startServer({
      folder: served,
      fault: async ({ name }) => {
        if (/train_x/.test(name)) {
          arrive();
          await gate;
        }
        return undefined;
      },
    });
    try {
      const json = JSON.parse(await readFile(join(served, 'manifest.json'), 'utf8'));
      const path = join(root.folder, 'served.json');
      await writeFile(path, JSON.stringify({ ...json, sources: { web: sourceAt('http', server.url) } }));
      const web = await readManifest(path);
      await download({ dir: own, manifest: web, splits: ['valid'] });
      const running = download({ dir: own, manifest: web });
      await arrived;
      const out = join(root.folder, 'beside');
      await exportDataset({ ...options(out), dir: own, manifest: web });
      const train = exportDataset({
        ...options(join(root.folder, 'no')),
        dir: own,
        manifest: web,
        splits: ['train'],
      });
      await expect(train).rejects.toMatchObject({ code: 'MISSING' });
      open();
      expect((await running).ok).toBe(true);
      const alone = join(root.folder, 'alone');
      await exportDataset(options(alone));
      expect([...(await contents(out))].sort()).toEqual([...(await contents(alone))].sort());
    } finally {
      open();
      await server.close();
    }
  });
});

test('a byte of the images that changes under an export, and is put back, is in no shard, not even after the next run', async () => {
  const right = join(root.folder, 'right');
  await exportDataset(options(right));
  const out = join(root.folder, 'touched');
  const path = join(dir, 'camelyonpatch_level_2_split_valid_x.h5');
  const [last, byte] = [statSync(path).size - 100, Buffer.alloc(1)];
  const images = openSync(path, 'r+');
  try {
    readSync(images, byte, 0, 1, last);
    let changed = false;
    const touched = exportDataset({
      ...options(out),
      onEvent: ({ type }) => {
        if (type === 'output' && !changed) writeSync(images, Buffer.of(byte[0]! ^ 255), 0, 1, last);
        changed ||= type === 'output';
      },
    });
    await expect(touched).rejects.toMatchObject({ code: 'NOT_VERIFIED' });
    writeSync(images, byte, 0, 1, last);
  } finally {
    closeSync(images);
  }
  expect((await exportDataset(options(out))).ok).toBe(true);
  expect(await contents(out)).toEqual(await contents(right));
});
