/** Every command judges a folder by its own manifest or the one of its download, says so, and trusts it with no token. */
import { existsSync } from 'node:fs';
import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { type Context, networkSettings } from '#pcam/commands/context.js';
import { keptManifest } from '#pcam/manifest/resolve.js';
import type { ManifestOrigin } from '#pcam/manifest/types.js';
import { makeDataset } from '../support/dataset.js';
import { runPcam } from '../support/in-process.js';
import { sharedFolder, temporaryFolder } from '../support/temp.js';

let root: { folder: string; remove: () => Promise<void> };
beforeAll(async () => {
  root = await sharedFolder();
  await makeDataset({ root: root.folder });
  return root.remove;
});
const served = () => join(root.folder, 'archives', 'manifest.json');

it('a folder with its own manifest, such as a subset or a fixture', async () => {
  const dir = join(await temporaryFolder(), 'pcam');
  await cp(join(root.folder, 'data'), dir, { recursive: true });
  await cp(served(), join(dir, 'manifest.json'));
  const verified = await runPcam(['verify', '--dir', dir, '--json']);
  expect([verified.code, JSON.parse(verified.stdout).manifest]).toEqual([
    0,
    { path: join(dir, 'manifest.json'), builtIn: false },
  ]);
  const commands = [['verify'], ['info'], ['stats'], ['download', '--dry-run'], []];
  for (const command of commands) {
    const { code, stderr } = await runPcam([...command, '--dir', dir]);
    expect([code, stderr], command[0]).toEqual([
      0,
      expect.stringContaining(`manifest: ${join(dir, 'manifest.json')}, the folder's own`),
    ]);
  }
  expect((await runPcam(['verify', '--dir', dir, '--quiet'])).stderr).toBe('');
});

it('a folder whose download was told a manifest, until it is told the built-in one', async () => {
  const dir = join(await temporaryFolder(), 'pcam');
  const fetched = await runPcam(['download', '--manifest', served(), '--dir', dir]);
  expect(fetched.code).toBe(0);
  const verified = await runPcam(['verify', '--dir', dir, '--json']);
  expect(verified.code).toBe(0);
  expect(verified.stderr).toContain('named at its download');
  expect(JSON.parse(verified.stdout).manifest).toEqual({ path: keptManifest(dir), builtIn: false });
  // Its file source is absolute: what is lost is fetched again, without a word about the manifest.
  await rm(join(dir, 'camelyonpatch_level_2_split_valid_y.h5'));
  expect((await runPcam(['download', '--dir', dir])).code).toBe(0);
  const builtIn = (await runPcam(['info', '--json'])).stdout;
  const again = ['download', '--source', 'zenodo', '--dir', dir, '--split', 'valid', '--kind', 'y'];
  await runPcam([...again, '--manifest', JSON.parse(builtIn).manifest.path, '--dry-run']);
  expect(existsSync(keptManifest(dir))).toBe(true);
});

it('leaves no copy of a manifest where nothing could be fetched', async () => {
  const folder = await temporaryFolder();
  const dir = join(folder, 'pcam');
  const manifest = join(folder, 'm.json');
  const json = JSON.parse(JSON.stringify(await import(served(), { with: { type: 'json' } }))).default;
  await writeFile(manifest, JSON.stringify({ ...json, sources: { own: { type: 'file', baseUrl: 'none' } } }));
  expect((await runPcam(['download', '--manifest', manifest, '--dir', dir])).code).toBe(4);
  expect(existsSync(dir)).toBe(false);
});

it('says that it ignores another kind of manifest.json, and refuses a broken one of pcam', async () => {
  const dir = await temporaryFolder();
  await writeFile(join(dir, 'manifest.json'), '{"name": "an app"}');
  const info = await runPcam(['info', '--dir', dir, '--json']);
  expect(info.stderr).toBe(`${join(dir, 'manifest.json')} is not a manifest of pcam: ignored\n`);
  expect(JSON.parse(info.stdout).manifest.builtIn).toBe(true);
  await writeFile(join(dir, 'manifest.json'), '{"schemaVersion": 1, "files": [');
  const broken = await runPcam(['verify', '--dir', dir, '--json']);
  expect([broken.code, JSON.parse(broken.stdout).error.code]).toEqual([2, 'BAD_MANIFEST']);
});

it.each([
  ['built-in', 'TOKEN'],
  ['named', 'TOKEN'],
  ['folder', undefined],
  ['kept', undefined],
] as [ManifestOrigin['kind'], string | undefined][])(
  'the token of Zenodo with a manifest that is %s: %s',
  async (kind, token) => {
    const context = { env: { proxy: {}, zenodoToken: 'TOKEN' } } as Context;
    const origin = { kind, builtIn: kind === 'built-in' };
    const { zenodoToken } = await networkSettings(context, { origin } as never);
    expect(zenodoToken).toBe(token);
  },
);
