/** What verify says of each file, and what --fix renames. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { download } from '#pcam/download/download.js';
import { layout } from '#pcam/store/layout.js';
import { type VerifyOptions, verify } from '#pcam/verify/verify.js';
import { archive, manifestOf, noise, plainFile, put } from '../support/files.js';
import { pcamError } from '../support/outcome.js';
import { putPartial } from '../support/part.js';
import { serveFiles } from '../support/server.js';
import { temporaryFolder } from '../support/temp.js';
import { ownFolder } from '../support/workspace.js';

const trainX = archive('train_x.h5', noise(3000, 1), { split: 'train' });
const validX = archive('valid_x.h5', noise(3000, 2), { split: 'valid' });
const testX = archive('test_x.h5', noise(3000, 3), { split: 'test' });
const validY = archive('valid_y.h5', noise(300, 4), { split: 'valid', kind: 'labels' });
const testY = archive('test_y.h5', noise(300, 5), { split: 'test', kind: 'labels' });
const validMeta = plainFile('valid_meta.csv', noise(200, 6), {
  split: 'valid',
  unsized: true,
  noSha256: true,
});
const testMeta = plainFile('test_meta.csv', noise(210, 7), { split: 'test', unsized: true, noSha256: true });
const ALL = [trainX, validX, testX, validY, testY, validMeta, testMeta];
const manifest = manifestOf(ALL, { web: { type: 'http', baseUrl: 'http://127.0.0.1:1' } });
const nameOf = ({ file }: (typeof ALL)[number]) => file.extracted?.name ?? file.name;

/** A folder with all files, some of them replaced, left out (null), or more. */
async function folderWith(changes: Record<string, Buffer | null> = {}): Promise<string> {
  const files = Object.fromEntries(ALL.map((one) => [nameOf(one), one.plain]));
  const wanted = Object.entries({ ...files, ...changes }).filter(([, bytes]) => bytes !== null);
  return put(await temporaryFolder(), Object.fromEntries(wanted) as Record<string, Buffer>);
}

async function statuses(dir: string, options: VerifyOptions = {}): Promise<Record<string, string>> {
  const { files, ok } = await verify({ dir, manifest, ...options });
  expect(ok).toBe(files.every(({ status }) => status === 'ok'));
  return Object.fromEntries(
    files.filter(({ status }) => status !== 'ok').map(({ name, status }) => [name, status]),
  );
}

async function entry(dir: string, name: string, options: VerifyOptions = {}) {
  const { files } = await verify({ dir, manifest, ...options });
  return files.find((file) => file.name === name)!;
}

describe('verify', () => {
  it('finds all well, and says by which digests', async () => {
    const dir = await folderWith();
    const result = await verify({ dir, manifest });
    expect(result).toMatchObject({ ok: true, findings: [] });
    expect(result.files.map(({ name }) => name)).toEqual(ALL.map(({ file }) => file.name));
    for (const { expected, found } of result.files) expect(found).toBe(expected);
    expect(result.files[0]!.expected).toBe(trainX.file.extracted!.md5);
  });

  it('finds all missing in a folder that is not there, and makes nothing', async () => {
    const dir = join(await temporaryFolder(), 'none');
    const { ok, files } = await verify({ dir, manifest });
    expect(ok).toBe(false);
    expect(new Set(files.map(({ status }) => status))).toEqual(new Set(['missing']));
    expect(files[0]).toMatchObject({ found: null, expected: trainX.file.extracted!.md5 });
    expect(existsSync(dir)).toBe(false);
  });

  it.each<[string, Record<string, Buffer | null>, Record<string, string>]>([
    ['missing', { 'train_x.h5': null }, { 'train_x.h5.gz': 'missing' }],
    ['ok by its archive alone', { 'train_x.h5': null, 'train_x.h5.gz': trainX.served }, {}],
    ['corrupt', { 'train_x.h5': noise(3000, 99) }, { 'train_x.h5.gz': 'corrupt' }],
    [
      'corrupt when it is too long',
      { 'train_x.h5': Buffer.concat([trainX.plain, Buffer.of(0)]) },
      { 'train_x.h5.gz': 'corrupt' },
    ],
    ['partial', { 'train_x.h5': trainX.plain.subarray(0, 100) }, { 'train_x.h5.gz': 'partial' }],
    ['partial when it is empty', { 'train_x.h5': Buffer.alloc(0) }, { 'train_x.h5.gz': 'partial' }],
    [
      'partial by its archive',
      { 'train_x.h5': null, 'train_x.h5.gz': trainX.served.subarray(0, 9) },
      { 'train_x.h5.gz': 'partial' },
    ],
    [
      'corrupt by an archive beside a right file',
      { 'train_x.h5.gz': noise(5000, 9) },
      { 'train_x.h5.gz': 'corrupt' },
    ],
    ['corrupt, a table of unknown size', { 'test_meta.csv': noise(5, 9) }, { 'test_meta.csv': 'corrupt' }],
    ['its archive under its own name', { 'train_x.h5': trainX.served }, { 'train_x.h5.gz': 'swapped' }],
  ])('%s', async (_, changes, expected) => {
    expect(await statuses(await folderWith(changes))).toEqual(expected);
  });

  it.each<[string, Record<string, Buffer | null>, string[]]>([
    ['images', { 'valid_x.h5': testX.plain, 'test_x.h5': validX.plain }, ['valid_x.h5.gz', 'test_x.h5.gz']],
    ['labels', { 'valid_y.h5': testY.plain, 'test_y.h5': validY.plain }, ['valid_y.h5.gz', 'test_y.h5.gz']],
    [
      'tables',
      { 'valid_meta.csv': testMeta.plain, 'test_meta.csv': validMeta.plain },
      ['valid_meta.csv', 'test_meta.csv'],
    ],
    [
      'archives',
      { 'valid_x.h5': null, 'test_x.h5': null, 'valid_x.h5.gz': testX.served, 'test_x.h5.gz': validX.served },
      ['valid_x.h5.gz', 'test_x.h5.gz'],
    ],
  ])('swapped %s, by the other name, and --fix renames them back', async (_, changes, names) => {
    const dir = await folderWith(changes);
    expect(await statuses(dir)).toEqual(Object.fromEntries(names.map((name) => [name, 'swapped'])));
    const { hint, found, expected } = await entry(dir, names[0]!);
    expect(hint).toContain(names[1]!.replace(/\.gz$/, ''));
    expect(found).not.toBe(expected);
    const fixed = await verify({ dir, manifest, fix: true });
    expect(fixed.ok).toBe(true);
    expect(fixed.findings.map(({ code }) => code)).toEqual(['RENAMED', 'RENAMED']);
    expect(await statuses(dir)).toEqual({});
  });

  it('names what it found and what it expected', async () => {
    const wrong = noise(3000, 99);
    const dir = await folderWith({ 'train_x.h5': wrong });
    const { expected, found } = await entry(dir, 'train_x.h5.gz');
    expect(expected).toBe(trainX.file.extracted!.md5);
    expect(found).toMatch(/^[0-9a-f]{32}$/);
    expect(found).not.toBe(expected);
  });

  it('reports a download that was interrupted', async () => {
    const dir = await folderWith({ 'train_x.h5': null });
    await putPartial(dir, trainX.file, { content: trainX.served, chunks: [0] });
    expect(await statuses(dir)).toEqual({ 'train_x.h5.gz': 'partial' });
  });

  it('looks at the chosen files alone', async () => {
    const dir = await folderWith({ 'train_x.h5': noise(5), 'valid_y.h5': null });
    expect(await statuses(dir, { splits: ['valid'] })).toEqual({ 'valid_y.h5.gz': 'missing' });
    expect(await statuses(dir, { splits: ['valid'], kinds: ['images'] })).toEqual({});
  });

  it('is a local error when a folder is in the way, or --dir is a file', async () => {
    const dir = await folderWith({ 'train_x.h5': null });
    await mkdir(join(dir, 'train_x.h5'));
    expect((await pcamError(verify({ dir, manifest }))).exitCode).toBe(5);
    const file = join(await put(await temporaryFolder(), { file: '' }), 'file');
    expect((await pcamError(verify({ dir: file, manifest }))).exitCode).toBe(5);
    expect((await pcamError(verify({ dir: file, manifest, fix: true }))).exitCode).toBe(5);
  });

  it('stops at a signal', async () => {
    const stop = new AbortController();
    stop.abort();
    expect((await pcamError(verify({ dir: await folderWith(), manifest, signal: stop.signal }))).code).toBe(
      'ABORTED',
    );
  });

  it('reports its progress', async () => {
    const seen = new Set<string>();
    const large = archive('large.h5', Buffer.alloc(9_000_000, 'abc'));
    const of = manifestOf([large], { web: { type: 'http', baseUrl: 'http://x' } });
    const dir = await put(await temporaryFolder(), { 'large.h5': large.plain });
    await verify({
      dir,
      manifest: of,
      onEvent: (event) => event.type === 'progress' && seen.add(event.task),
    });
    expect(seen).toEqual(new Set(['large.h5']));
  });
});

describe('--quick', () => {
  /** Changes bytes and puts the mtime back, as a bad disk or a bad friend does. */
  async function change(dir: string, name: string, bytes: Buffer): Promise<void> {
    const { mtime } = await stat(join(dir, name));
    await writeFile(join(dir, name), bytes);
    await utimes(join(dir, name), mtime, mtime);
  }

  async function withWholeTimes(dir: string): Promise<string> {
    // utimes keeps microseconds, so times of whole seconds can be put back.
    for (const name of await readdir(dir)) if (name !== '.pcam') await utimes(join(dir, name), 1000, 1000);
    return dir;
  }

  it('trusts what an earlier run read, while size, mtime and samples hold; a full run finds what changed', async () => {
    const large = archive('large.h5', noise(1_000_000, 1));
    const of = manifestOf([large], { web: { type: 'http', baseUrl: 'http://x' } });
    const dir = await withWholeTimes(await put(await temporaryFolder(), { 'large.h5': large.plain }));
    const status = async (quick: boolean) => (await verify({ dir, manifest: of, quick })).files[0]!.status;
    expect(await status(false)).toBe('ok');
    const oneByte = Buffer.from(large.plain);
    oneByte[10_000]! ^= 1; // between two samples
    await change(dir, 'large.h5', oneByte);
    expect(await status(true)).toBe('ok');
    expect(await status(false)).toBe('corrupt');
    expect(await status(true)).toBe('corrupt');
  });

  it('sees what a restored cache lost: holes, and all that a sample meets', async () => {
    const dir = await withWholeTimes(await folderWith());
    await verify({ dir, manifest });
    await change(dir, 'train_x.h5', noise(3000, 99));
    expect(await statuses(dir, { quick: true })).toEqual({ 'train_x.h5.gz': 'corrupt' });
  });

  it('reads what has no receipt, another size, or another mtime', async () => {
    const dir = await withWholeTimes(await folderWith({ 'test_x.h5': noise(3000, 99) }));
    expect(await statuses(dir, { quick: true })).toEqual({ 'test_x.h5.gz': 'corrupt' });
    await writeFile(join(dir, 'train_x.h5'), noise(3000, 98));
    await change(dir, 'valid_y.h5', noise(10));
    expect(await statuses(dir, { quick: true })).toEqual({
      'test_x.h5.gz': 'corrupt',
      'train_x.h5.gz': 'corrupt',
      'valid_y.h5.gz': 'partial',
    });
  });

  it('sees what is gone, and does not take a receipt of one file for another', async () => {
    const dir = await withWholeTimes(await folderWith());
    await verify({ dir, manifest });
    await rm(join(dir, 'train_x.h5'));
    await rename(join(dir, 'valid_x.h5'), join(dir, 'aside'));
    await rename(join(dir, 'test_x.h5'), join(dir, 'valid_x.h5'));
    await rename(join(dir, 'aside'), join(dir, 'test_x.h5'));
    await utimes(join(dir, 'valid_x.h5'), 2000, 2000);
    expect(await statuses(dir, { quick: true })).toMatchObject({
      'train_x.h5.gz': 'missing',
      'valid_x.h5.gz': 'swapped',
    });
  });
});

describe('--fix', () => {
  const bytesOf = (dir: string, name: string) => readFile(join(dir, name));

  it('resolves a cycle of three', async () => {
    const dir = await folderWith({
      'train_x.h5': validX.plain,
      'valid_x.h5': testX.plain,
      'test_x.h5': trainX.plain,
    });
    expect((await verify({ dir, manifest, fix: true })).ok).toBe(true);
    for (const one of ALL) expect(await bytesOf(dir, nameOf(one))).toEqual(one.plain);
  });

  it('moves one file to its own place, and says that the other is missing', async () => {
    const dir = await folderWith({ 'valid_x.h5': testX.plain, 'test_x.h5': null });
    expect(await statuses(dir, { fix: true })).toEqual({ 'valid_x.h5.gz': 'missing' });
    expect(await bytesOf(dir, 'test_x.h5')).toEqual(testX.plain);
  });

  it('moves right bytes onto wrong ones', async () => {
    const dir = await folderWith({ 'valid_x.h5': testX.plain, 'test_x.h5': noise(10) });
    expect(await statuses(dir, { fix: true })).toEqual({ 'valid_x.h5.gz': 'missing' });
  });

  it('leaves a second copy alone when its own name is right already', async () => {
    const dir = await folderWith({ 'valid_x.h5': testX.plain });
    expect(await statuses(dir, { fix: true })).toEqual({ 'valid_x.h5.gz': 'swapped' });
    expect(await bytesOf(dir, 'test_x.h5')).toEqual(testX.plain);
    expect(await bytesOf(dir, 'valid_x.h5')).toEqual(testX.plain);
  });

  it('renames one of two copies back', async () => {
    const dir = await folderWith({ 'valid_x.h5': testX.plain, 'train_x.h5': testX.plain, 'test_x.h5': null });
    const { files } = await verify({ dir, manifest, fix: true });
    expect(files.find(({ name }) => name === 'test_x.h5.gz')?.status).toBe('ok');
    expect(await bytesOf(dir, 'test_x.h5')).toEqual(testX.plain);
  });

  it('does not bury right bytes of files that were not chosen', async () => {
    // valid lies under test, test under train, train under valid; only valid is looked at.
    const dir = await folderWith({
      'test_x.h5': validX.plain,
      'train_x.h5': testX.plain,
      'valid_x.h5': trainX.plain,
    });
    const before = await Promise.all(
      ['test_x.h5', 'train_x.h5', 'valid_x.h5'].map((name) => bytesOf(dir, name)),
    );
    await verify({ dir, manifest, fix: true, splits: ['valid'], kinds: ['images'] });
    const after = await Promise.all(
      ['test_x.h5', 'train_x.h5', 'valid_x.h5'].map((name) => bytesOf(dir, name)),
    );
    for (const bytes of before) expect(after.some((other) => other.equals(bytes))).toBe(true);
    expect(await statuses(dir, { fix: true })).toEqual({});
  });

  it('does nothing where nothing is swapped', async () => {
    const dir = await folderWith({ 'train_x.h5': noise(7) });
    const { findings } = await verify({ dir, manifest, fix: true });
    expect(findings).toEqual([]);
  });

  it('keeps out of a folder that another run works in', async () => {
    const dir = await folderWith({ 'valid_x.h5': testX.plain, 'test_x.h5': validX.plain });
    const { release } = await ownFolder(dir);
    expect((await pcamError(verify({ dir, manifest, fix: true }))).code).toBe('LOCKED');
    await release();
    expect(await statuses(dir, { fix: true })).toEqual({});
    expect(existsSync(layout(dir).lock)).toBe(false);
  });
});

describe('after a download of archives alone', () => {
  it('--quick goes by the SHA-256 of the receipt, and shows it', async () => {
    const server = await serveFiles({ [trainX.file.name]: trainX.served });
    const of = manifestOf([trainX], { web: { type: 'http', baseUrl: server.url } });
    const dir = join(await temporaryFolder(), 'data');
    expect((await download({ dir, manifest: of, extract: false })).ok).toBe(true);
    const { sha256, md5 } = trainX.file;
    const [quick] = (await verify({ dir, manifest: of, quick: true })).files;
    expect(quick).toMatchObject({ status: 'ok', expected: sha256, found: sha256 });
    const [whole] = (await verify({ dir, manifest: of })).files;
    expect(whole).toMatchObject({ status: 'ok', expected: md5, found: md5 });
    expect((await verify({ dir, manifest: of, quick: true })).files).toEqual([whole]);
  });
});
