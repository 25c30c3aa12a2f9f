/** The page of a score: what it shows, what it leaves out, and that nothing in it runs or is loaded. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLabels } from '#pcam/dataset/labels.js';
import { score } from '#pcam/score/score.js';
import type { ScoreOptions } from '#pcam/score/types.js';
import { makeDataset, type TestDataset } from '../support/dataset.js';
import { sharedFolder, temporaryFolder } from '../support/temp.js';

const COUNTS = { train: 12, valid: 300, test: 300 };
let root: { folder: string; remove: () => Promise<void> };
let data: TestDataset;
let labels: Uint8Array;
beforeAll(async () => {
  root = await sharedFolder();
  data = await makeDataset({ ...COUNTS, root: root.folder });
  labels = await readLabels({ file: data.path('test', 'labels'), path: 'y' });
});
afterAll(() => root.remove());

async function save(name: string, cell: (label: number, i: number) => number): Promise<string> {
  const file = join(root.folder, name);
  await writeFile(file, `prob\n${Array.from(labels, cell).join('\n')}\n`);
  return file;
}

const noise = (i: number) => ((i * 37) % 83) / 83;
const fair = (label: number, i: number) => (label + 2 * noise(i)) / 3;

async function page(options: Partial<ScoreOptions> & { file: string }, from = data): Promise<string> {
  const out = join(await temporaryFolder(), 'score.html');
  await score({ dir: from.dir, manifest: from.manifest, bootstrap: 50, out, ...options });
  return readFile(out, 'utf8');
}

const sectionsOf = (text: string) => [...text.matchAll(/<section id="(\w+)"/g)].map(([, id]) => id);
/** Values that should have been words. */
const slips = (text: string) =>
  text.replace(/base64,[^"]*/g, '').match(/NaN|undefined|Infinity|\[object/g) ?? [];
/** A page is too long for a message of a failed test. */
const has = (text: string, words: string) => text.includes(words);
const count = (text: string, what: RegExp) => text.match(what)?.length ?? 0;

describe('the page', () => {
  it('has curves, slides, a comparison, and the pictures of the most confident mistakes', async () => {
    const file = await save('ours.csv', fair);
    const compare = await save('theirs.csv', (label, i) => (label + 4 * noise(i * 3)) / 5);
    const text = await page({ file, compare });
    expect(sectionsOf(text)).toEqual(
      'alarms metrics curves probabilities comparison slides mistakes table'.split(' '),
    );
    for (const words of ['<h1>ours.csv</h1>', '300 synthetic patches', 'No alarm'])
      expect(has(text, words)).toBe(true);
    expect(count(text, /class="own"/g)).toBe(2);
    expect(count(text, /class="other"/g)).toBe(2);
    expect(count(text, /<img src="data:image\/png;base64,/g)).toBeGreaterThan(10);
    expect(slips(text)).toEqual([]);
    expect((await page({ file, compare })) === text).toBe(true);
  });

  it('runs nothing, loads nothing, and shows names as they are', async () => {
    const file = await save('<img src=x onerror=alert(1)>.csv', fair);
    const text = await page({ file });
    expect(has(text, '&lt;img src=x')).toBe(true);
    expect(text.match(/<script|<img src=x|https?:\/\/(?!github\.com\/basveeling)|url\(/)).toBeNull();
    expect(has(text, 'default-src &#39;none&#39;')).toBe(true);
  });

  it('shows alarms', async () => {
    const text = await page({ file: await save('inverted.csv', (label, i) => 1 - fair(label, i)) });
    expect(has(text, '1 alarm')).toBe(true);
    expect(/<li class="warning">the scores rank patches without tumor above/.test(text)).toBe(true);
  });

  it.each<[string, Partial<ScoreOptions>, (label: number, i: number) => number, string]>([
    ['decisions', {}, (label, i) => Math.round(fair(label, i)), 'alarms metrics slides mistakes table'],
    ['bare scores', { as: 'score' }, fair, 'alarms metrics curves slides table'],
  ])('leaves out what there is not: %s', async (_, options, cell, sections) => {
    const text = await page({ file: await save('p.csv', cell), ...options });
    expect(sectionsOf(text)).toEqual(sections.split(' '));
    expect(slips(text)).toEqual([]);
  });

  it('does without images and slides', async () => {
    const bare = await makeDataset({ ...COUNTS, root: await temporaryFolder() });
    await rm(bare.path('test', 'images'));
    await rm(bare.path('test', 'meta'));
    const text = await page({ file: await save('p.csv', fair) }, bare);
    expect(sectionsOf(text)).toEqual('alarms metrics curves probabilities mistakes table'.split(' '));
    expect(has(text, 'The images of test are not in the folder')).toBe(true);
    expect(has(text, '<img')).toBe(false);
  });
});
