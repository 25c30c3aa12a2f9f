/** What commands say to people: closing lines, what was found before, refusals in the words of the options. */
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeDataset, type TestDataset } from '../support/dataset.js';
import { runPcam } from '../support/in-process.js';
import { sharedFolder } from '../support/temp.js';

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
    await writeFile(data.path('valid', 'labels'), 'wrong');
    const verified = await run('verify');
    expect(verified.code).toBe(3);
    expect(verified.stdout).toMatch(/^(partial|corrupt) +valid_y\.h5 /m);
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
