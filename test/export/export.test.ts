import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PcamEvent } from '#pcam/core/events.js';
import { exportDataset } from '#pcam/export/export.js';
import type { ExportOptions } from '#pcam/export/options.js';
import type { Manifest } from '#pcam/manifest/types.js';
import { makeDataset, type TestDataset } from '../support/dataset.js';
import { sharedFolder, temporaryFolder } from '../support/temp.js';
import { treeOf } from '../support/tree.js';

let root: { folder: string; remove: () => Promise<void> };
let data: TestDataset;
beforeAll(async () => {
  root = await sharedFolder();
  data = await makeDataset({ train: 8, valid: 240, test: 6, root: root.folder });
});
afterAll(() => root.remove());

type Options = Partial<ExportOptions> & { out: string };
const run = (options: Options, { dir, manifest }: Pick<TestDataset, 'dir' | 'manifest'> = data) =>
  exportDataset({ dir, manifest, format: 'png', splits: ['valid'], shardSize: 20, workers: 1, ...options });

/** The manifest with the digest of what really is in a file, as if upstream had published it so. */
async function blessed(manifest: Manifest, dir: string): Promise<Manifest> {
  const files = manifest.files.map(async (file) => {
    if (!file.extracted && file.kind !== 'meta') return file;
    const name = file.extracted?.name ?? file.name;
    const content = await readFile(join(dir, name)).catch(() => undefined);
    if (!content) return file;
    const md5 = createHash('md5').update(content).digest('hex');
    return { ...file, md5, sha256: undefined, bytes: undefined, extracted: file.extracted && { name, md5 } };
  });
  return { ...manifest, files: await Promise.all(files) };
}

async function copyOfData(): Promise<string> {
  const dir = join(await temporaryFolder(), 'copy');
  await cp(data.dir, dir, { recursive: true });
  return dir;
}

describe('a run that is killed', () => {
  it('leaves whole shards, and the next run keeps them', async () => {
    const out = join(await temporaryFolder(), 'out');
    const script = `
      import { readManifest } from ${JSON.stringify(import.meta.resolve('#pcam/manifest/parse.js'))};
      import { exportDataset } from ${JSON.stringify(import.meta.resolve('#pcam/export/export.js'))};
      const manifest = await readManifest(${JSON.stringify(join(root.folder, 'archives', 'manifest.json'))});
      const options = { dir: ${JSON.stringify(data.dir)}, out: ${JSON.stringify(out)} };
      await exportDataset({ ...options, manifest, format: 'png', splits: ['valid'], shardSize: 20, workers: 1 });
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
    const ended = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
    const shards = async () => (await readdir(out).catch(() => [])).filter((name) => name.endsWith('.tar'));
    while ((await shards()).length < 2 && child.exitCode === null) await sleep(2);
    child.kill('SIGKILL');
    expect(await ended).toBe('SIGKILL');

    const left = await treeOf(out);
    expect(left['index.json']).toBeUndefined();
    const result = await run({ out });
    const whole = join(await temporaryFolder(), 'whole');
    await run({ out: whole });
    const tree = await treeOf(whole);
    expect(await treeOf(out)).toEqual(tree);
    const kept = result.shards.filter(({ status }) => status === 'present').map(({ file }) => file);
    expect(kept.length).toBeGreaterThanOrEqual(2);
    for (const file of kept) expect(left[file]).toBe(tree[file]);
  });
});

describe('refuses', () => {
  const usage = { code: 'USAGE', exitCode: 2 };
  it.each<[string, Partial<ExportOptions>]>([
    ['shard size 0', { shardSize: 0 }],
    ['no worker', { workers: 0 }],
    ['part 4 of 3', { part: { index: 4, of: 3 } }],
    ['part 0', { part: { index: 0, of: 3 } }],
    ['an unknown format', { format: 'gif' as 'png' }],
    ['a layout that a format does not have', { format: 'parquet', layout: 'folder' }],
    ['an unknown crop', { crop: 'top' as 'center32' }],
    ['an index where there are no tar shards', { format: 'raw', index: 'dali' }],
    ['another layout than that of an alias', { format: 'imagefolder', layout: 'shards' }],
    ['an unknown order', { format: 'tfrecord', order: 'random' as 'file' }],
    ['an order of a format that has none', { format: 'parquet', order: 'file' }],
    ['an order and a random one', { format: 'tfrecord', order: 'file', selection: { shuffle: true } }],
    ['images of one class in folders', { layout: 'folder', selection: { label: 1 } }],
    ['splits of a fixed set', { format: 'vtab-1k' }],
    ['a selection of a fixed set', { format: 'vtab-1k', splits: [], selection: { sample: 3 } }],
    ['fewer patches than a fixed set has', { format: 'vtab-1k', splits: [] }],
  ])('%s', async (_, options) => {
    const out = join(await temporaryFolder(), 'out');
    await expect(run({ out, ...options })).rejects.toMatchObject(usage);
  });

  it('to write into the data set, also through a link', async () => {
    await expect(run({ out: data.dir })).rejects.toMatchObject(usage);
    await expect(run({ out: join(data.dir, 'new', 'deep') })).rejects.toMatchObject(usage);
    const link = join(await temporaryFolder(), 'link');
    await symlink(data.dir, link);
    await expect(run({ out: join(link, 'new') })).rejects.toMatchObject(usage);
  });

  it('input that is missing, naming the command that fetches it', async () => {
    const dir = join(await temporaryFolder(), 'nothing');
    const error = run({ out: `${dir}-out` }, { dir, manifest: data.manifest });
    await expect(error).rejects.toMatchObject({ code: 'MISSING', exitCode: 3 });
    await expect(error).rejects.toHaveProperty('next', { command: 'download', splits: ['valid'] });
  });

  it('input that is not the manifest’s', async () => {
    const dir = await copyOfData();
    const name = 'camelyonpatch_level_2_split_valid_x.h5';
    const bytes = await readFile(join(dir, name));
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(join(dir, name), bytes);
    const error = run({ out: `${dir}-out` }, { dir, manifest: data.manifest });
    await expect(error).rejects.toMatchObject({ code: 'NOT_VERIFIED', exitCode: 3 });
    await expect(error).rejects.toHaveProperty('message', expect.stringContaining(name));
  });

  it('labels of another length than the images', async () => {
    const dir = await copyOfData();
    const stem = join(dir, 'camelyonpatch_level_2_split_');
    await rename(`${stem}test_y.h5`, `${stem}valid_y.h5`);
    const manifest = await blessed(data.manifest, dir);
    await expect(run({ out: `${dir}-out` }, { dir, manifest })).rejects.toMatchObject({ exitCode: 3 });
  });

  it.each([
    ['fewer rows', (lines: string[]) => lines.slice(0, -2)],
    ['no wsi', (lines: string[]) => lines.map((line) => line.split(',').slice(0, -1).join(','))],
  ])('meta with %s', async (_, change) => {
    const dir = await copyOfData();
    const path = join(dir, 'camelyonpatch_level_2_split_valid_meta.csv');
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    await writeFile(path, `${change(lines).join('\n')}\n`);
    const manifest = await blessed(data.manifest, dir);
    await expect(run({ out: `${dir}-out` }, { dir, manifest })).rejects.toMatchObject({ exitCode: 3 });
  });

  it('a file where the folder should be', async () => {
    const out = join(await temporaryFolder(), 'file');
    await writeFile(out, '');
    await expect(run({ out })).rejects.toMatchObject({ code: 'NOT_A_FOLDER', exitCode: 5 });
  });

  it('other input, and an index.json that is not its own', async () => {
    const out = join(await temporaryFolder(), 'out');
    await run({ out });
    const other = await makeDataset({ train: 4, valid: 240, test: 4, seed: 9 });
    await expect(run({ out }, other)).rejects.toMatchObject({ code: 'OUTPUT_MISMATCH', exitCode: 3 });
    await writeFile(join(out, 'index.json'), '{"shards": [{"file": "../../etc/passwd"}]}');
    await expect(run({ out })).rejects.toMatchObject({ code: 'OUTPUT_MISMATCH' });
    await run({ out, force: true });
  });

  it('to force a part, which could remove what another part has just written', async () => {
    const out = join(await temporaryFolder(), 'out');
    await run({ out });
    const error = run({ out, shardSize: 30, part: { index: 1, of: 2 }, force: true });
    await expect(error).rejects.toMatchObject({ code: 'OUTPUT_MISMATCH' });
  });
});

describe('an export', () => {
  it('leaves the meta columns out when there is no meta file', async () => {
    const dir = await copyOfData();
    await rename(join(dir, 'camelyonpatch_level_2_split_valid_meta.csv'), `${dir}-meta`);
    const out = `${dir}-out`;
    await run({ out, layout: 'folder' }, { dir, manifest: data.manifest });
    const [header, first] = (await readFile(join(out, 'valid', 'metadata.csv'), 'utf8')).split('\n');
    expect(header).toBe('file_name,label');
    expect(first).toMatch(/^[01]\/valid_000000\.png,[01]$/);
  });

  it('removes only its own files when it starts over', async () => {
    const out = join(await temporaryFolder(), 'out');
    await run({ out, layout: 'folder' });
    await mkdir(join(out, 'valid', 'notes'));
    await writeFile(join(out, 'valid', 'notes', 'mine.txt'), 'mine');
    await run({ out, format: 'raw', force: true });
    const files = Object.keys(await treeOf(out));
    expect(files.filter((file) => !/^pcam-valid-[xy]-\d{6}\.npy$/.test(file))).toEqual([
      'index.json',
      'valid/notes/mine.txt',
    ]);
  });

  it('disturbs no other one of the same process', async () => {
    const formats = ['png', 'parquet', 'raw', 'tfrecord'] as const;
    const digests = async (name: string, format: (typeof formats)[number]) => {
      const out = join(await temporaryFolder(), name);
      return (await run({ out, format, splits: ['train'], shardSize: 3 })).shards.map(({ sha256 }) => sha256);
    };
    const together = await Promise.all(formats.map((format) => digests('together', format)));
    for (const [i, format] of formats.entries()) expect(await digests('alone', format)).toEqual(together[i]);
  });

  it('reports its progress patch by patch', async () => {
    const out = join(await temporaryFolder(), 'out');
    const events: PcamEvent[] = [];
    await run({ out, onEvent: (event) => events.push(event) });
    const progress = events.filter((event) => event.type === 'progress');
    expect(progress.at(-1)).toMatchObject({ task: 'valid', unit: 'patches', done: 240, total: 240 });
    expect(events.filter(({ type }) => type === 'output')).toHaveLength(12);
  });
});
