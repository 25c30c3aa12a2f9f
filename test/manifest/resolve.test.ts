/** Which manifest a folder is judged by, in its order; and what the copy of a named one holds. */
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { BUILT_IN_MANIFEST, parseManifest } from '#pcam/manifest/parse.js';
import { keptManifest, manifestText, resolveManifest } from '#pcam/manifest/resolve.js';
import { archive, manifestJson, noise } from '../support/files.js';
import { pcamError } from '../support/outcome.js';
import { temporaryFolder } from '../support/temp.js';

const web = { web: { type: 'http', baseUrl: 'https://me:HUSH@host.example/p/?token=HUSH' } };
const one = archive('valid_y.h5', noise(50));
const json = (dataset: string) => JSON.stringify({ ...manifestJson([one], web), dataset });

async function folderWith(files: Record<string, string>): Promise<string> {
  const dir = await temporaryFolder();
  await mkdir(join(dir, '.pcam'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
  return dir;
}

it('the named one, then the own one of the folder, then the kept copy, then the built-in one', async () => {
  const dir = await folderWith({
    'named.json': json('named'),
    'manifest.json': json('own'),
    '.pcam/manifest.json': json('kept'),
  });
  const named = await resolveManifest(join(dir, 'named.json'), dir);
  expect(named.dataset).toBe('named');
  expect(named.origin).toEqual({ kind: 'named', path: join(dir, 'named.json'), builtIn: false });
  const own = await resolveManifest(undefined, dir);
  expect(own.dataset).toBe('own');
  expect(own.origin).toEqual({ kind: 'folder', path: join(dir, 'manifest.json'), builtIn: false });
  const other = await folderWith({ '.pcam/manifest.json': json('kept') });
  const kept = await resolveManifest(undefined, other);
  expect(kept.dataset).toBe('kept');
  expect(kept.origin).toEqual({ kind: 'kept', path: keptManifest(other), builtIn: false });
  for (const place of [undefined, await temporaryFolder(), join(dir, 'nowhere'), join(dir, 'named.json')]) {
    const builtIn = await resolveManifest(undefined, place);
    expect(builtIn.origin).toEqual({ kind: 'built-in', path: BUILT_IN_MANIFEST, builtIn: true });
  }
  expect((await resolveManifest(BUILT_IN_MANIFEST)).origin.builtIn).toBe(true);
});

it.each([
  ['of a browser extension', '{"manifest_version": 3, "name": "x"}'],
  ['of Docker', '[{"Config": "x.json", "Layers": []}]'],
  ['that is not JSON', 'hello'],
  ['that is empty', ''],
])('a manifest.json %s is ignored and named', async (_, text) => {
  const dir = await folderWith({ 'manifest.json': text });
  const { origin } = await resolveManifest(undefined, dir);
  expect(origin).toMatchObject({ builtIn: true, ignored: join(dir, 'manifest.json') });
});

it('a directory and a pipe of that name are ignored, a link in a circle is an error', async () => {
  for (const make of [mkdir, async (path: string) => void execFileSync('mkfifo', [path])]) {
    const dir = await temporaryFolder();
    await make(join(dir, 'manifest.json'));
    expect((await resolveManifest(undefined, dir)).origin.ignored).toBe(join(dir, 'manifest.json'));
  }
  const dir = await temporaryFolder();
  await symlink('manifest.json', join(dir, 'manifest.json'));
  expect(await pcamError(resolveManifest(undefined, dir))).toMatchObject({ code: 'IO', exitCode: 5 });
});

it.each([
  ['cut off', json('own').slice(0, -20)],
  ['of a later version', json('own').replace('"schemaVersion":1', '"schemaVersion":2')],
  ['without sources', JSON.stringify({ schemaVersion: 1, dataset: 'x', files: [] })],
])('a manifest of pcam that is %s is an error', async (_, text) => {
  const own = await folderWith({ 'manifest.json': text });
  expect((await pcamError(resolveManifest(undefined, own))).code).toBe('BAD_MANIFEST');
  const kept = await folderWith({ '.pcam/manifest.json': text });
  expect((await pcamError(resolveManifest(undefined, kept))).code).toBe('BAD_MANIFEST');
});

it('the copy has absolute folders, no secrets, and parses to the same files', async () => {
  const sources = { ...web, own: { type: 'file', baseUrl: 'served' } };
  const manifest = parseManifest(manifestJson([one], sources), { path: '/data/m.json' });
  const text = manifestText(manifest);
  expect(text).not.toContain('HUSH');
  const again = parseManifest(JSON.parse(text), { path: '/other/place/m.json' });
  expect(again.files).toEqual(manifest.files);
  expect(again.sources.map(({ baseUrl }) => baseUrl)).toEqual(['https://host.example/p', '/data/served']);
  expect(JSON.parse(await readFile(BUILT_IN_MANIFEST, 'utf8')).files).toHaveLength(9);
});
