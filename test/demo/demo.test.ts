/** The demo, as `npm run demo` starts it once all is built. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { start } from '../support/process.js';
import { temporaryFolder } from '../support/temp.js';

const DEMO = fileURLToPath(new URL('../../demo/demo.js', import.meta.url));

test('the demo downloads, verifies, and shows what to do next', async () => {
  const cwd = await temporaryFolder();
  const { code, stdout, stderr } = await start(DEMO, [], { cwd }).ended;
  expect(stderr).toContain('9 files verified in pcam-demo/pcam');
  expect(stderr).toMatch(/zenodo: pausing .*429/);
  expect(stderr).toMatch(/gdrive.*quota/);
  expect(stdout).toMatch(/node \S+pcam\.js download --split valid/);
  expect(code).toBe(0);
  const names = await readdir(join(cwd, 'pcam-demo', 'pcam'));
  expect(names.filter((name) => /\.(h5|csv)$/.test(name))).toHaveLength(9);
});

test('the demo removes nothing that is not its own', async () => {
  const cwd = await temporaryFolder();
  await mkdir(join(cwd, 'pcam'));
  await writeFile(join(cwd, 'pcam', 'precious'), 'mine');
  const { code, stderr } = await start(DEMO, ['.'], { cwd }).ended;
  expect(code).toBe(1);
  expect(stderr).toContain('pcam is there already');
  expect(await readdir(join(cwd, 'pcam'))).toEqual(['precious']);
});
