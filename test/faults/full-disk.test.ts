/** A disk that fills up under what is made from the data: exit code 5, nothing half-written, and the next run works. */
import { writeFileSync } from 'node:fs';
import { cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OnEvent } from '#pcam/core/events.js';
import { download } from '#pcam/download/download.js';
import { preview } from '#pcam/explore/preview/preview.js';
import { report } from '#pcam/explore/report/report.js';
import { stats } from '#pcam/explore/stats/stats.js';
import { createFixture } from '#pcam/fixture/fixture.js';
import { subset } from '#pcam/subset.js';
import { startPcam } from '../support/process.js';
import { canMount, smallDisk } from '../support/small-disk.js';
import { sharedFolder } from '../support/temp.js';
import { treeOf } from '../support/tree.js';

const KB = 1024;
const mountable = await canMount();
const root = await sharedFolder();
afterAll(root.remove);
const dir = join(root.folder, 'pcam');
let manifest: string;

beforeAll(async () => {
  ({ manifest } = await createFixture({ dir: join(root.folder, 'served'), train: 96, valid: 24, test: 24 }));
  await download({ dir, manifest });
});

interface Case {
  /** Too little for the output. */
  bytes: number;
  run(at: string): Promise<unknown>;
  args(at: string): string[];
}

const common = () => ['--dir', dir, '--manifest', manifest];
const CASES: Record<string, Case> = {
  'stats --table csv': {
    bytes: 8 * KB,
    run: (at) => stats({ dir, manifest, table: join(at, 'table.csv') }),
    args: (at) => ['stats', ...common(), '--table', join(at, 'table.csv')],
  },
  'stats --table parquet': {
    bytes: 4 * KB,
    run: (at) => stats({ dir, manifest, table: join(at, 'table.parquet') }),
    args: (at) => ['stats', ...common(), '--table', join(at, 'table.parquet')],
  },
  preview: {
    bytes: 64 * KB,
    run: (at) => preview({ dir, manifest, out: join(at, 'sheet.png') }),
    args: (at) => ['preview', ...common(), '-o', join(at, 'sheet.png')],
  },
  report: {
    bytes: 64 * KB,
    run: (at) => report({ dir, manifest, out: join(at, 'report.html') }),
    args: (at) => ['report', ...common(), '-o', join(at, 'report.html')],
  },
  subset: {
    bytes: 1024 * KB,
    run: (at) => subset({ dir, manifest, out: join(at, 'small'), selection: { sample: 20 }, archives: true }),
    args: (at) => ['subset', ...common(), '--out', join(at, 'small'), '--sample', '20', '--archives'],
  },
  fixture: {
    bytes: 512 * KB,
    run: (at) => createFixture({ dir: join(at, 'new'), train: 30, valid: 10, test: 10 }),
    args: (at) => ['fixture', join(at, 'new'), '--train', '30', '--valid', '10', '--test', '10'],
  },
};

describe.skipIf(!mountable).each(Object.entries(CASES))(
  'a disk too small for %s',
  (_, { bytes, run, args }) => {
    test('is said to be full, nothing is left on it, and with more room the work is done', async () => {
      await using disk = await smallDisk(bytes);
      await expect(run(disk.folder)).rejects.toMatchObject({
        code: 'DISK_FULL',
        message: expect.stringContaining(disk.folder),
      });
      expect(await treeOf(disk.folder)).toEqual({});
      await disk.resize(32 * KB * KB);
      await run(disk.folder);
      expect(Object.keys(await treeOf(disk.folder)).length).toBeGreaterThan(0);
    });

    test('is exit code 5 of the command', async () => {
      await using disk = await smallDisk(bytes);
      const { code, stdout, stderr } = await startPcam([...args(disk.folder), '--json']).ended;
      expect(code, stderr).toBe(5);
      expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code: 'DISK_FULL' } });
      // What was asked for, and not the temporary that it was to come from.
      expect(stderr).not.toContain('.tmp-');
      expect(await treeOf(disk.folder)).toEqual({});
    });

    test('with another file under the name: that one stays as it is', async () => {
      await using disk = await smallDisk(32 * KB * KB);
      await run(disk.folder);
      const before = await treeOf(disk.folder);
      fill(join(disk.folder, 'ballast'));
      await expect(run(disk.folder)).rejects.toMatchObject({ code: 'DISK_FULL' });
      await rm(join(disk.folder, 'ballast'));
      expect(await treeOf(disk.folder)).toEqual(before);
    });
  },
);

describe.skipIf(!mountable)('a disk that fills up while', () => {
  const makers: Record<string, (dir: string, onEvent: OnEvent) => Promise<unknown>> = {
    'a subset': (out, onEvent) => subset({ dir, manifest, out, archives: true, onEvent }),
    'a fixture': (out, onEvent) => createFixture({ dir: out, train: 96, valid: 24, test: 24, onEvent }),
  };
  test.each(Object.keys(makers))('%s is written: nothing of it is left', async (name) => {
    await using disk = await smallDisk(32 * KB * KB);
    const make = (onEvent: OnEvent) => makers[name]!(join(disk.folder, 'new'), onEvent);
    let filled = false;
    const failing = make(({ type }) => {
      if (type === 'progress' && !filled) fill(join(disk.folder, 'ballast'));
      filled ||= type === 'progress';
    });
    await expect(failing).rejects.toMatchObject({ code: 'DISK_FULL' });
    await rm(join(disk.folder, 'ballast'));
    expect(await treeOf(disk.folder)).toEqual({});
    await make(() => {});
    expect(await readdir(join(disk.folder, 'new'))).toContain('manifest.json');
  });
});

describe.skipIf(!mountable)('a full data set folder', () => {
  test('keeps nothing of what was found out, and does not matter to stats and report', async () => {
    await using disk = await smallDisk(32 * KB * KB);
    const full = join(disk.folder, 'pcam');
    await cp(dir, full, { recursive: true, filter: (path) => !path.endsWith('scans') });
    const before = await treeOf(full);
    fill(join(disk.folder, 'ballast'));
    const first = await stats({ dir: full, manifest });
    await report({ dir: full, manifest, out: join(root.folder, 'full.html') });
    expect(await treeOf(full)).toEqual(before);
    await rm(join(disk.folder, 'ballast'));
    expect(await stats({ dir: full, manifest })).toEqual(first);
    expect(await readdir(join(full, '.pcam', 'scans'))).toHaveLength(3);
  });
});

/** Up to the last page. */
function fill(path: string): void {
  for (let size = 1024 * KB; size >= KB; ) {
    try {
      writeFileSync(path, Buffer.alloc(size), { flag: 'a' });
    } catch {
      size /= 2;
    }
  }
}
