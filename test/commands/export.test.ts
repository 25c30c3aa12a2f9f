/** The closing lines of an export: what was written, how to load it, and how to run it again. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeDataset } from '../support/dataset.js';
import { startPcam } from '../support/process.js';
import { sharedFolder } from '../support/temp.js';

let root: { folder: string; remove: () => Promise<void> };
let common: string[];
beforeAll(async () => {
  root = await sharedFolder();
  const { dir } = await makeDataset({ train: 20, valid: 20, test: 20, root: root.folder });
  common = ['--dir', dir, '--manifest', join(root.folder, 'archives', 'manifest.json')];
});
afterAll(() => root.remove());

async function exported(...args: string[]) {
  const { code, stdout, stderr } = await startPcam(['export', ...args, ...common], { cwd: root.folder })
    .ended;
  expect(code, stderr).toBe(0);
  return { stdout, stderr };
}

it('names a folder so that no loader takes it for a format of its own', async () => {
  const { stderr } = await exported('--format', 'parquet', '--out', 'parquet', '--split', 'test');
  expect(stderr).toContain('datasets.load_dataset("./parquet")');
  const { stdout } = await exported('--format', 'parquet', '--out', 'parquet', '--split', 'test', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, out: 'parquet', patches: 20 });
});

it('counts and loads pixels, not the indices of a selection beside them', async () => {
  const args = ['--format', 'raw', '--split', 'valid', '--shuffle', '--shard-size', '8', '--out', 'raw'];
  const { stderr } = await exported(...args);
  expect(stderr).toContain('20 patches in 3 pairs of arrays');
  expect(stderr).toMatch(/numpy\.load\("raw\/[^"]*-x-000000\.npy", mmap_mode="r"\)/);
});

it('loads the shards of all parts after the last one, and says what few shards mean', async () => {
  const args = ['--format', 'png', '--split', 'valid', '--shard-size', '4', '--out', 'parts'];
  const first = await exported(...args, '--part', '1/2');
  expect(first.stderr).not.toContain('WebDataset');
  const last = await exported(...args, '--part', '2/2');
  expect(last.stderr).toContain(
    'webdataset.WebDataset("parts/pcam-valid-{000000..000004}.tar", shardshuffle=False)',
  );
  expect(last.stderr.match(/with more readers/g)).toHaveLength(1);
  expect(last.stderr).toContain('5 shards: with more readers of valid (ranks x workers), some get nothing');
});
