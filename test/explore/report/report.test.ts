/** `pcam report` from end to end: what the page says of whole, partial and wrong data, and that it needs nothing else. */
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ReportOptions, report } from '#pcam/explore/report/report.js';
import { makeDataset, type TestDataset } from '../../support/dataset.js';
import { runPcam } from '../../support/in-process.js';
import { pcamError } from '../../support/outcome.js';
import { sharedFolder, temporaryFolder } from '../../support/temp.js';

let root: { folder: string; remove: () => Promise<void> };
let data: TestDataset;
beforeAll(async () => {
  root = await sharedFolder();
  data = await makeDataset({ train: 80, valid: 40, test: 20, root: root.folder });
});
afterAll(() => root.remove());

async function page(options: Partial<ReportOptions> = {}): Promise<string> {
  const out = join(await temporaryFolder(), 'page.html');
  const { bytes } = await report({ dir: data.dir, manifest: data.manifest, ...options, out });
  const text = await readFile(out, 'utf8');
  expect(Buffer.byteLength(text)).toBe(bytes);
  return text;
}

/** A folder with some of the files. */
async function partOf(pattern: RegExp): Promise<string> {
  const dir = join(await temporaryFolder(), 'part');
  await mkdir(dir);
  for (const name of await readdir(data.dir)) {
    if (pattern.test(name)) await copyFile(join(data.dir, name), join(dir, name));
  }
  return dir;
}

describe('the page', () => {
  it('has its eight sections, in the order of the contents', async () => {
    const text = await page();
    const sections = [...text.matchAll(/<section id="(\w+)"/g)].map(([, id]) => id);
    expect(sections).toEqual([
      'verdict',
      'patches',
      'splits',
      'duplicates',
      'leakage',
      'slides',
      'color',
      'loading',
    ]);
    expect([...text.matchAll(/<li><a href="#(\w+)"/g)].map(([, id]) => id)).toEqual(sections);
    expect(text).toContain('Verified: 9 of 9 files match the manifest');
    expect(text).toMatch(/The most repeated patches, within and across splits: (\d+) of \1</);
    for (const words of ['PyTorch', 'Keras 3', 'TensorFlow', 'JAX', 'NumPy', 'Hugging Face']) {
      expect(text).toContain(words);
    }
    const json = /<script type="application\/ld\+json">([\s\S]*?)<\/script>/.exec(text)![1]!;
    expect(JSON.parse(json)).toMatchObject({
      '@type': 'Dataset',
      distribution: expect.objectContaining({ length: 9 }),
    });
  });

  it('says that synthetic data is synthetic, and what a subset is of', async () => {
    const text = await page();
    expect(text).toContain('Synthetic data in the layout of PatchCamelyon');
    expect(text).not.toMatch(/of lymph node sections|Radboud|@inproceedings|whole-slide imaging/);
    const subset = await page({ manifest: { ...data.manifest, dataset: 'mine', subsetOf: 'pcam' } });
    expect(subset).toContain('A subset of PatchCamelyon');
    expect(subset).toMatch(/of lymph node sections[\s\S]*@inproceedings/);
  });

  it('is the same again, and small', async () => {
    const text = await page();
    expect(await page()).toBe(text);
    expect(text.length).toBeLessThan(5_000_000);
  });

  it('loads nothing, runs nothing, and describes every picture', async () => {
    const text = await page();
    expect(text.match(/<script/g)).toHaveLength(1);
    expect(text).not.toMatch(/<(link|iframe|object|embed|form|base)\b|\son\w+=|@import|url\(/);
    const sources = [...text.matchAll(/\ssrc="([^"]{0,22})/g)].map(([, start]) => start);
    expect(new Set(sources)).toEqual(new Set(['data:image/png;base64,']));
    expect(text).not.toMatch(/<img (?![^>]*\balt="[^"]+")/);
    expect(text).not.toMatch(/<svg (?![^>]*(aria-hidden|role="img"))/);
  });

  it('shows a slide name as it is, whatever it holds', async () => {
    const dir = await partOf(/_valid_/);
    const path = join(dir, 'camelyonpatch_level_2_split_valid_meta.csv');
    const [first] = (await readFile(path, 'utf8')).match(/camelyon16_\w+/)!;
    const name = `<script>alert('1')</script>`;
    await writeFile(path, (await readFile(path, 'utf8')).replaceAll(first!, name));
    const text = await page({ dir, splits: ['valid'] });
    expect(text).not.toContain('<script>alert');
    expect(text).toContain('&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;');
    expect(text).toContain('Not verified');
  });
});

describe('what is not there', () => {
  it('is said: no meta CSV, one split, no labels', async () => {
    const text = await page({ dir: await partOf(/_test_[x]/), splits: ['test'] });
    expect(text).toContain('Verified in part: 1 of 3 files match the manifest');
    expect(text).toContain('The meta CSV files are not in the folder');
    expect(text).toContain('Only test is in this report');
    expect(text).toContain('no labels');
    expect(text).not.toMatch(/\b(null|undefined|NaN|Infinity)\b/);
  });

  it('is reported for whole splits, and is an error where all images are missing', async () => {
    const text = await page({ dir: await partOf(/_valid_|test_y/) });
    expect(text).toContain('Verified in part: 3 of 9 files match the manifest');
    expect(text).toMatch(/test_y\.h5<\/th>.*not checked/);
    const out = join(await temporaryFolder(), 'page.html');
    const dir = await partOf(/_y/);
    expect(await pcamError(report({ dir, manifest: data.manifest, out }))).toMatchObject({ exitCode: 3 });
    const some = { dir: await partOf(/_valid_/), manifest: data.manifest, splits: ['train' as const], out };
    expect(await pcamError(report(some))).toMatchObject({ exitCode: 3 });
  });

  it('bytes that are not those of the manifest are reported at the top', async () => {
    const dir = await partOf(/_test_/);
    const path = join(dir, 'camelyonpatch_level_2_split_test_x.h5');
    const bytes = await readFile(path);
    bytes[10_000]! ^= 1;
    await writeFile(path, bytes);
    const text = await page({ dir, splits: ['test'] });
    expect(text).toContain('Not verified: 2 of 3 files match the manifest');
    expect(text).toMatch(/test_x\.h5<\/th>.*other bytes/);
  });
});

describe('the command', () => {
  const manifest = () => join(root.folder, 'archives', 'manifest.json');
  const pcam = (...args: string[]) =>
    runPcam(['report', '--dir', data.dir, '--manifest', manifest(), ...args]);

  it('prints one document', async () => {
    const folder = await temporaryFolder();
    const out = join(folder, 'page.html');
    const { code, stdout } = await pcam('--split', 'val', '-o', out, '--json');
    const { bytes, ...document } = JSON.parse(stdout);
    expect([code, document]).toEqual([0, { ok: true, out }]);
    expect((await readFile(out)).length).toBe(bytes);
    expect(await readdir(folder)).toEqual(['page.html']);
    await rm(out);
  });

  it('writes nothing where the folder is not there', async () => {
    const { code, stderr } = await pcam('-o', join(root.folder, 'nowhere', 'page.html'));
    expect(code).toBe(5);
    expect(stderr).toContain('there is no directory');
  });
});
