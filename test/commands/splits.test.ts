/** What the commands that read splits say of the splits that are not there, and of data that is not the manifest's. */
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { download } from '#pcam/download/download.js';
import { makeDataset } from '../support/dataset.js';
import { runPcam } from '../support/in-process.js';
import { temporaryFolder } from '../support/temp.js';

let folder: string;
let pcam: (...args: string[]) => ReturnType<typeof runPcam>;
beforeEach(async () => {
  folder = await temporaryFolder();
  await makeDataset({ train: 4, valid: 12, test: 12, root: folder });
  const dir = join(folder, 'some');
  const manifest = join(folder, 'archives', 'manifest.json');
  await download({ dir, manifest, splits: ['valid'] });
  pcam = (command, ...args) => runPcam([command!, '--dir', dir, '--manifest', manifest, ...args]);
});

const LEFT_OUT = 'train and test are not here: left out';

it.each([
  ['export', '--format', 'png', '--out'],
  ['subset', '--sample', '3', '--out'],
  ['report', '-o'],
  ['preview', '--rows', '1', '-o'],
])(
  '%s takes the splits that are there, says which are not, and names them in the next command',
  async (...args) => {
    const out = join(folder, args[0] === 'preview' ? 'out.png' : 'out');
    const { code, stderr } = await pcam(...args, out);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain(LEFT_OUT);
    expect(stderr.trimEnd().split('\n').at(-1)).toContain('--split valid');
  },
);

it.each([
  ['export', '--format', 'png'],
  ['subset', '--out', 'out'],
  ['report'],
  ['preview', '-o', 'out.png'],
  ['stats'],
])('%s of an empty folder ends with the one sentence of all commands', async (...args) => {
  const { code, stderr } = await runPcam([...args, '--dir', join(folder, 'nothing')]);
  expect(code).toBe(3);
  expect(stderr).toContain(`pcam: there are no images in ${join(folder, 'nothing')}`);
});

it('stats says which are left out beside its document too, and has a histogram in a line', async () => {
  const { stdout, stderr } = await pcam('stats', '--json');
  expect(stderr.split('\n').slice(1)).toEqual([LEFT_OUT, '']);
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, splits: [{ split: 'valid' }] });
  expect(stdout.split('\n').length).toBeLessThan(150);
});

it('stats says that it wrote the table, and prints no hint where stdout is no terminal', async () => {
  const table = join(folder, 'patches.csv');
  const { stdout, stderr } = await pcam('stats', '--table', table);
  expect((await readFile(table, 'utf8')).trimEnd().split('\n')).toHaveLength(13);
  expect(stderr).toContain(`${table}: 12 rows, one for each patch.`);
  expect(stderr).not.toContain('report');
  expect(stdout).toMatch(/^split /);
});

it('stats of other bytes begins with saying so', async () => {
  await appendFile(join(folder, 'some', 'camelyonpatch_level_2_split_valid_x.h5'), 'x');
  const { stdout } = await pcam('stats');
  expect(stdout).toMatch(
    /^These figures are not those of the data set .*: valid_x.h5 holds other bytes\.\n\nsplit /,
  );
});

it('preview writes PNG alone', async () => {
  const { code, stderr } = await pcam('preview', '-o', join(folder, 'n.jpg'));
  expect(code).toBe(2);
  expect(stderr).toContain('does not end in .png');
});
