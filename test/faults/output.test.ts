/** Where a person asks for a file: nothing else is replaced by it, and nothing half-written is left there. */
import { execFileSync } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { cp, lstat, mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OnEvent } from '#pcam/core/events.js';
import { download } from '#pcam/download/download.js';
import { preview } from '#pcam/explore/preview/preview.js';
import { report } from '#pcam/explore/report/report.js';
import { stats } from '#pcam/explore/stats/stats.js';
import { createFixture } from '#pcam/fixture/fixture.js';
import { canMount, smallDisk } from '../support/small-disk.js';
import { sharedFolder } from '../support/temp.js';
import { treeOf } from '../support/tree.js';

const mountable = await canMount();
const root = await sharedFolder();
afterAll(root.remove);
const dir = join(root.folder, 'pcam');
let manifest: string;
let folders = 0;

beforeAll(async () => {
  ({ manifest } = await createFixture({ dir: join(root.folder, 'served'), train: 12, valid: 6, test: 6 }));
  await download({ dir, manifest, keepArchives: true });
});

async function fresh(): Promise<string> {
  const folder = join(root.folder, String(folders++));
  await mkdir(folder);
  return folder;
}

type Write = (out: string, onEvent?: OnEvent) => Promise<unknown>;
const WRITERS: [string, string, Write][] = [
  ['preview', '.png', (out, onEvent) => preview({ dir, manifest, out, rows: 1, cols: 2, onEvent })],
  ['report', '.html', (out, onEvent) => report({ dir, manifest, out, onEvent })],
  ['stats', '.csv', (out, onEvent) => stats({ dir, manifest, table: out, onEvent })],
];

describe.each(WRITERS)('%s', (_, ending, write) => {
  test('through a link replaces what the link names, and the link stays', async () => {
    const folder = await fresh();
    const link = join(folder, `link${ending}`);
    const target = join(await fresh(), `target${ending}`);
    await symlink(relative(folder, target), link);
    await write(link); // to nothing yet
    const content = await readFile(target);
    await writeFile(target, 'before');
    await write(link);
    expect(await readFile(target)).toEqual(content);
    expect(await readlink(link)).toBe(relative(folder, target));
    expect(Object.keys(await treeOf(folder))).toEqual([]);
  });

  test.each(['p', 'c 1 3'])('to a pipe or device (mknod %s) is refused, and it stays', async (kind) => {
    const path = join(await fresh(), `special${ending}`);
    try {
      execFileSync('mknod', [path, ...kind.split(' ')], { stdio: 'ignore' });
    } catch {
      return; // no right to make devices here
    }
    const before = await lstat(path);
    const link = `${path}.link${ending}`;
    await symlink(path, link);
    for (const out of [path, link]) {
      const found = 'a device, pipe or socket';
      await expect(write(out)).rejects.toMatchObject({ code: 'IO', found, exitCode: 5 });
    }
    expect(await lstat(path)).toMatchObject({ ino: before.ino, mode: before.mode });
  });

  test('to a circle of links is refused', async () => {
    const path = join(await fresh(), `circle${ending}`);
    await symlink(path, path);
    await expect(write(path)).rejects.toMatchObject({ code: 'IO', exitCode: 5 });
  });

  test('to a file of the data set, of pcam, or the manifest is refused, whatever way leads there', async () => {
    const folder = await fresh();
    await symlink(dir, join(folder, 'way'));
    const before = await treeOf(root.folder);
    const state = join(dir, '.pcam', `x${ending}`);
    const names = ['valid_x.h5', 'valid_x.h5.gz', 'test_meta.csv'].map((name) =>
      join(folder, 'way', `camelyonpatch_level_2_split_${name}`),
    );
    for (const [i, path] of [...names, manifest, state].entries()) {
      const link = join(folder, `link-${i}${ending}`);
      await symlink(path, link);
      for (const out of ending === '.csv' ? [link] : [link, path]) {
        await expect(write(out), out).rejects.toMatchObject({ code: 'USAGE', exitCode: 2 });
      }
      await rm(link);
    }
    const after = await treeOf(root.folder);
    for (const path of Object.keys(before)) expect(after[path], path).toBe(before[path]);
  });

  test('to a folder that is removed meanwhile ends with exit code 5', async () => {
    const folder = await fresh();
    await rm(join(dir, '.pcam', 'scans'), { recursive: true, force: true });
    let removed: Promise<void> | undefined;
    const done = write(join(folder, `x${ending}`), () => {
      removed ??= rm(folder, { recursive: true });
    });
    // A sheet of two patches says nothing on the way.
    if (ending === '.png') removed = rm(folder, { recursive: true });
    await expect(done).rejects.toMatchObject({
      code: 'NOT_A_FOLDER',
      exitCode: 5,
      message: expect.stringContaining(folder),
    });
    await removed;
  });

  test.skipIf(!mountable)('to a read-only disk ends with exit code 5', async () => {
    await using disk = await smallDisk(1 << 20);
    await disk.readOnly();
    const written = write(join(disk.folder, `x${ending}`));
    await expect(written).rejects.toMatchObject({ code: 'NO_PERMISSION', exitCode: 5 });
  });
});

describe.each(WRITERS)('%s of data that changes meanwhile', (name, ending) => {
  test('says so, and writes nothing', async () => {
    const folder = await fresh();
    const own = join(folder, 'pcam');
    await cp(dir, own, { recursive: true });
    const labels = join(own, 'camelyonpatch_level_2_split_test_y.h5');
    const other = await readFile(join(own, 'camelyonpatch_level_2_split_valid_y.h5'));
    // The first look at the signal comes when the work has begun.
    const { signal } = new AbortController();
    let looks = 0;
    Object.defineProperty(signal, 'aborted', {
      get() {
        if (looks++ === 1) {
          writeFileSync(`${labels}.new`, other);
          renameSync(`${labels}.new`, labels);
        }
        return false;
      },
    });
    const out = join(folder, `x${ending}`);
    const options = { dir: own, manifest, signal };
    const written = {
      preview: () => preview({ ...options, out }),
      report: () => report({ ...options, out }),
      stats: () => stats({ ...options, table: out }),
    }[name]!();
    await expect(written).rejects.toMatchObject({ code: 'NOT_VERIFIED', exitCode: 3 });
    expect(looks).toBeGreaterThan(1);
    expect(await readdir(folder)).toEqual(['pcam']);
  });
});
