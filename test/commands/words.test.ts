/** What commands say to people: closing lines, what was found before, refusals in the words of the options. */
import { createHash } from 'node:crypto';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeDataset, type TestDataset } from '../support/dataset.js';
import { runPcam } from '../support/in-process.js';
import { sharedFolder } from '../support/temp.js';
import { ownFolder } from '../support/workspace.js';

let root: { folder: string; remove: () => Promise<void> };
let data: TestDataset;
let common: string[];
beforeAll(async () => {
  root = await sharedFolder();
  data = await makeDataset({ root: root.folder });
  common = ['--dir', data.dir, '--manifest', join(root.folder, 'archives', 'manifest.json')];
});
afterAll(() => root.remove());

const run = (...args: string[]) => runPcam([...args, ...common]);

describe('a file that verify finds wrong', () => {
  it('is told in short, with one command that repairs it, and info remembers it', async () => {
    const path = data.path('valid', 'labels');
    const bytes = await readFile(path);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(path, bytes);
    const md5 = createHash('md5').update(bytes).digest('hex');
    const verified = await run('verify');
    expect(verified.code).toBe(3);
    expect(verified.stdout).toMatch(
      new RegExp(`^corrupt +valid_y\\.h5 .*\\n +MD5 ${md5}\\n +not [0-9a-f]{32}\\n`, 'm'),
    );
    expect(verified.stdout).toContain(`8 of 9 files right in ${data.dir}; 1 `);
    for (const line of verified.stdout.replaceAll(data.dir, '').split('\n'))
      expect(line.length).toBeLessThan(81);
    expect(verified.stderr).toContain(`download --split valid --kind labels --dir ${data.dir} --manifest`);
    const [all, one] = await Promise.all([run('info'), run('info', 'valid_y.h5')]);
    expect(all.stdout).toMatch(/^valid_y\.h5 .*corrupt/m);
    expect(one.stdout).toContain('camelyonpatch_level_2_split_valid_y.h5.gz');
    expect(one.stdout).toMatch(/state +corrupt/);
  });
});

it('splits that are not there at all are named, with how to check the others', async () => {
  const dir = join(root.folder, 'one');
  const manifest = join(root.folder, 'archives', 'manifest.json');
  const place = ['--dir', dir, '--manifest', manifest];
  expect((await runPcam(['download', '--split', 'valid', ...place])).code).toBe(0);
  const verified = await runPcam(['verify', ...place]);
  expect(verified.code).toBe(3);
  expect(verified.stdout).toContain('valid: 3 of 3 right; train and test are not here.\n');
  expect(verified.stderr).toMatch(
    / download --split train --split test .*\n.*:\n {2}\S.* verify --split valid --dir/,
  );
});

it('a folder that another run downloads to is said to be in use', async () => {
  const dir = join(root.folder, 'busy');
  const { release } = await ownFolder(dir);
  const { stderr } = await runPcam(['verify', '--dir', dir]);
  await release();
  expect(stderr).toMatch(/ is in use by process \d+ on .*: what it is working on is missing or partial\n/);
});

it('info has the size of an archive where that of the file is not published, and the URLs of a file', async () => {
  const nowhere = ['--dir', join(root.folder, 'nowhere')];
  const [all, one] = await Promise.all([
    runPcam(['info', ...nowhere]),
    runPcam(['info', 'train_x', ...nowhere]),
  ]);
  expect(all.stdout).toMatch(/^train_y\.h5 +21\.4 kB \(\.gz\) +missing/m);
  expect(one.stdout).toMatch(/^gdrive +https:\/\/drive\.google\.com\/uc\?export=download&id=\S+$/m);
  expect(one.stdout).toMatch(/^zenodo +https:\/\/zenodo\.org\/records\/2546921\/files\/\S+\?download=1$/m);
});

it('a folder with nothing in it is one line, and a link that leads nowhere is called that', async () => {
  const nothing = join(root.folder, 'nothing');
  const link = join(root.folder, 'link');
  await symlink('/nonexistent/scratch', link);
  const [empty, dangling, download] = await Promise.all([
    runPcam(['verify', '--dir', nothing]),
    runPcam(['verify', '--dir', link]),
    runPcam(['download', '--dir', link]),
  ]);
  expect(empty.stdout).toBe('');
  expect(empty.stderr).toContain(`no data set in ${nothing}`);
  expect([empty.code, dangling.code, download.code]).toEqual([3, 5, 5]);
  for (const { stderr } of [dangling, download]) {
    expect(stderr).toContain(
      `${link} is a link to /nonexistent/scratch, which does not exist (not mounted?)`,
    );
  }
});

it('an export says what it holds, how to load it, and what another one was made with', async () => {
  const out = join(root.folder, 'out');
  const png = ['export', '--format', 'png', '--split', 'train', '--out', out];
  const first = await run(...png);
  expect(first.stderr).toMatch(/12 patches in 1 shard, .*\nLoad it:\n +webdataset\./);
  const other = await run(...png, '--index', 'dali');
  expect(other.code).toBe(3);
  expect(other.stderr).toContain('holds another export: it was made without --index dali');
  const sized = await run(...png, '--shard-size', '5');
  expect(sized.stderr).toContain('it was made with --shard-size 2048');
  const images = ['--format', 'png', '--layout', 'folder', '--split', 'train', '--out', `${out}-images`];
  const folder = await run('export', ...images);
  expect(folder.stderr).toMatch(/: 12 images, \d+ kB/);
  const part = ['export', '--format', 'raw', '--shard-size', '6', '--split', 'train', '--out', `${out}-raw`];
  expect((await run(...part, '--part', '1/2')).stderr).toContain('part 1 of 2, the other part is missing');
  expect((await run(...part, '--part', '2/2')).stderr).toContain('part 2 of 2, the export is complete');
});

it('an export without a format lists them', async () => {
  const { code, stderr } = await run('export');
  expect(code).toBe(2);
  for (const word of ['png, folder', 'parquet', 'tfrecord']) expect(stderr).toContain(word);
});
