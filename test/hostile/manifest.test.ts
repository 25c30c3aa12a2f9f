/** Hostile manifests from end to end: the command line names the field, exits with 2, and writes nothing. */
import { existsSync } from 'node:fs';
import { readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { put } from '../support/files.js';
import { Series, type SeriesEnd } from '../support/series.js';
import { contents, pipe, smallDataset } from './small.js';

const LONGEST = 20_000;

const series = new Series(LONGEST);
afterAll(() => series.kill());

/** Runs pcam in an empty folder; fails when it does not end, or leaves anything there. */
async function pcam(root: string, args: readonly string[]): Promise<SeriesEnd> {
  const cwd = await put(join(root, 'empty'), { 'sentinel.txt': '' });
  const end = await series.run(args, { cwd });
  expect(await contents(cwd)).toEqual({ 'sentinel.txt': '' });
  return end;
}

interface Json {
  files: Record<string, unknown>[];
  sources: Record<string, unknown>;
  [field: string]: unknown;
}

async function changed(change: (json: Json) => void): Promise<{ root: string; manifest: string }> {
  const { root, manifest } = await smallDataset();
  const json = JSON.parse(await readFile(manifest, 'utf8')) as Json;
  change(json);
  await put(root, { 'manifest.json': JSON.stringify(json) });
  return { root, manifest };
}

/** test/manifest.test.ts has the long table; here is one of each kind, all the way. */
describe('a manifest that is refused', () => {
  it.each<[string, (json: Json) => void, string]>([
    ['a path', (json) => Object.assign(json.files[0]!, { name: '../../../evil.h5' }), 'files[0].name'],
    ['an absolute name', (json) => Object.assign(json.files[1]!, { name: '/evil.csv' }), 'files[1].name'],
    ['a device', (json) => Object.assign(json.files[1]!, { name: 'NUL.csv' }), 'files[1].name'],
    ['a state folder', (json) => Object.assign(json.files[1]!, { name: '.pcam' }), 'files[1].name'],
    [
      'a path inside',
      (json) => Object.assign(json.files[0]!, { extracted: { name: '.pcam/lock', md5: '0'.repeat(32) } }),
      'files[0].extracted.name',
    ],
    [
      'another case of the same name',
      (json) => json.files.push({ ...json.files[1]!, name: 'TRAIN_META.CSV' }),
      'files[2].name',
    ],
    ['a huge number', (json) => Object.assign(json.files[0]!, { bytes: 1e300 }), 'files[0].bytes'],
    ['a source that runs', (json) => Object.assign(json.sources, { x: { type: 'exec' } }), 'sources.x.type'],
  ])('%s', async (_, change, field) => {
    const { root, manifest } = await changed(change);
    const { code, stdout, stderr } = await pcam(root, ['download', '--json', '--manifest', manifest]);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code: 'BAD_MANIFEST' } });
    expect(stderr).toContain(field);
    expect(existsSync(join(root, 'evil.h5'))).toBe(false);
  });

  it('by every command alike', async () => {
    const { root, manifest } = await changed((json) => Object.assign(json.files[0]!, { name: 'a/b' }));
    const commands = [['verify'], ['verify', '--fix'], ['info'], ['cache-key'], ['download', '--dry-run']];
    for (const command of commands) {
      expect((await pcam(root, [...command, '--manifest', manifest])).code).toBe(2);
    }
  });

  it('prototype keys are keys like any other', async () => {
    const { root, manifest } = await smallDataset();
    const text = (await readFile(manifest, 'utf8')).replace(
      '{',
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},',
    );
    await put(root, { 'manifest.json': text });
    const { code, stdout } = await pcam(root, ['info', '--json', '--manifest', manifest]);
    expect(code).toBe(0);
    expect(stdout).not.toContain('polluted');
  });
});

describe('a manifest that is none', () => {
  const nested = (n: number) => `${'['.repeat(n)}${']'.repeat(n)}`;
  it.each<[string, (root: string) => Promise<string>]>([
    ['a folder', async (root) => put(join(root, 'm'), {})],
    ['a pipe without a writer', (root) => pipe(join(root, 'm'))],
    ['an endless device', async () => '/dev/zero'],
    [
      'a link to an endless device',
      async (root) => symlink('/dev/zero', join(root, 'm')).then(() => join(root, 'm')),
    ],
    ['a terminal or nothing', async () => '/dev/null'],
    ['a file of 20 MB', async (root) => join(await put(root, { m: `[${'1,'.repeat(10e6)}1]` }), 'm')],
    ['nested a million deep', async (root) => join(await put(root, { m: nested(1e6) }), 'm')],
    [
      'nested deep in a field',
      async (root) => join(await put(root, { m: `{"schemaVersion":${nested(100_000)}}` }), 'm'),
    ],
    [
      'text in another encoding',
      async (root) => join(await put(root, { m: Buffer.from('{}', 'utf16le') }), 'm'),
    ],
  ])('%s', async (_, make) => {
    const { root } = await smallDataset();
    const manifest = await make(root);
    const { code, stderr, stdout } = await pcam(root, ['download', '--json', '--manifest', manifest]);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(manifest) });
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code: 'BAD_MANIFEST' } });
  });
});
