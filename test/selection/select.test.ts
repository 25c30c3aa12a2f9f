/** Which patches the options mean: on a fixture, whose labels and slides are known. */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openSplit } from '#pcam/dataset/split.js';
import type { SplitName } from '#pcam/manifest/types.js';
import { resolveSelection, type SelectionOptions } from '#pcam/selection/options.js';
import { sampleOf } from '#pcam/selection/sample.js';
import { select, selectPatches } from '#pcam/selection/select.js';
import { openInput } from '#pcam/verified/input.js';
import { makeDataset, type TestDataset } from '../support/dataset.js';
import { sharedFolder, temporaryFolder } from '../support/temp.js';

const PATCHES = { train: 120, valid: 40, test: 12 };
let data: TestDataset;
let labels: Record<SplitName, Uint8Array>;
let slides: Record<SplitName, string[]>;

beforeAll(async () => {
  const { folder, remove } = await sharedFolder();
  data = await makeDataset({ ...PATCHES, root: folder });
  const splits = await Promise.all(
    (['train', 'valid', 'test'] as const).map((split) => openSplit({ ...data, split })),
  );
  labels = Object.fromEntries(splits.map(({ name, labels }) => [name, labels])) as typeof labels;
  slides = Object.fromEntries(
    splits.map(({ name, count, meta }) => [name, Array.from({ length: count }, (_, i) => meta!.row(i).wsi)]),
  ) as typeof slides;
  for (const split of splits) split.close();
  return remove;
});

/** Indices by split. */
async function chosen(selection: SelectionOptions, splits?: SplitName[]): Promise<Record<string, number[]>> {
  const found = await selectPatches({ dir: data.dir, manifest: data.manifest, splits, selection });
  return Object.fromEntries(found.map(({ split, indices }) => [split, [...indices]]));
}

const ascending = (values: number[]) => [...values].sort((a, b) => a - b);
const where = (split: SplitName, pass: (i: number) => boolean) =>
  [...labels[split].keys()].filter((i) => pass(i));

async function indicesFile(text: string): Promise<string> {
  const path = join(await temporaryFolder(), 'indices.txt');
  await writeFile(path, text);
  return path;
}

describe('without options', () => {
  it('selects everything, in order, and says that it is all', async () => {
    const found = await selectPatches({ dir: data.dir, manifest: data.manifest, selection: {} });
    expect(found.map(({ split, indices, whole }) => [split, indices.length, whole])).toEqual([
      ['train', 120, true],
      ['valid', 40, true],
      ['test', 12, true],
    ]);
    expect([...found[2]!.indices]).toEqual([...Array(12).keys()]);
  });
});

describe('a filter', () => {
  it('of a label leaves the patches with that label', async () => {
    expect(await chosen({ label: 1 }, ['valid'])).toEqual({
      valid: where('valid', (i) => labels.valid[i] === 1),
    });
  });

  it('of slides takes patterns, and drops splits that have none of them', async () => {
    const name = slides.valid[5]!;
    const pattern = `*${name.slice(-6, -1)}?`;
    const matching = (split: SplitName) =>
      where(split, (i) => slides[split][i]!.slice(0, -1).endsWith(name.slice(-6, -1)));
    const found = await chosen({ slides: [pattern] });
    expect(found.valid).toEqual(matching('valid'));
    expect(found.train ?? []).toEqual(matching('train'));
  });

  it('of indices takes a file, in the order of the data set', async () => {
    const indices = await indicesFile('\ufeff# mine\r\n\r\n7\r\n3 # third\r\n11\r\n');
    expect(await chosen({ indices }, ['test'])).toEqual({ test: [3, 7, 11] });
    const both = await indicesFile('valid,30\ntrain,2\nval,4\n');
    expect(await chosen({ indices: both })).toEqual({ train: [2], valid: [4, 30] });
  });

  it('combines with others', async () => {
    const indices = await indicesFile([...Array(20).keys()].join('\n'));
    expect(await chosen({ indices, label: 0 }, ['valid'])).toEqual({
      valid: where('valid', (i) => i < 20 && labels.valid[i] === 0),
    });
  });
});

describe('a sample', () => {
  it('per class has as many of each', async () => {
    const { train, valid } = await chosen({ perClass: 5 }, ['train', 'valid']);
    for (const [split, indices] of [
      ['train', train!],
      ['valid', valid!],
    ] as const) {
      expect(
        indices
          .map((i) => labels[split][i])
          .sort()
          .join(''),
      ).toBe('0000011111');
      expect(indices).toEqual(ascending(indices));
    }
  });

  it('per slide has at most as many of each', async () => {
    const { train } = await chosen({ perSlide: 3 }, ['train']);
    const counts = (indices: readonly number[]) => {
      const found = new Map<string, number>();
      for (const i of indices) found.set(slides.train[i]!, (found.get(slides.train[i]!) ?? 0) + 1);
      return found;
    };
    const there = counts(slides.train.map((_, i) => i));
    expect(counts(train!)).toEqual(new Map([...there].map(([slide, n]) => [slide, Math.min(3, n)])));
  });

  it('begins with the smaller ones of the same seed, and differs with the seed', async () => {
    const [small, large, other] = await Promise.all([
      chosen({ sample: 10, seed: 3 }, ['train']),
      chosen({ sample: 60, seed: 3 }, ['train']),
      chosen({ sample: 10, seed: 4 }, ['train']),
    ]);
    expect(large.train).toEqual(expect.arrayContaining(small.train!));
    expect(small.train).not.toEqual(other.train);
  });

  it('is the same for every choice of splits, and on every machine', async () => {
    const alone = await chosen({ perClass: 3, seed: 1, shuffle: true }, ['valid']);
    const together = await chosen({ perClass: 3, seed: 1, shuffle: true });
    expect(together.valid).toEqual(alone.valid);
    // A change here changes the samples of everyone who gave a seed: say so in the change log.
    expect(await chosen({ sample: 8, shuffle: true }, ['train'])).toMatchInlineSnapshot(`
      {
        "train": [
          82,
          50,
          85,
          89,
          119,
          25,
          77,
          76,
        ],
      }
    `);
  });

  it('takes every patch as often as the others', () => {
    const counts = new Array(12).fill(0);
    const facts = { count: 12, labels: null, meta: null };
    for (let seed = 0; seed < 1200; seed++) {
      const candidates = Uint32Array.from({ length: 12 }, (_, i) => i);
      const selection = { sample: 4, seed };
      for (const i of sampleOf({ split: 'test', candidates, facts, selection })) counts[i]++;
    }
    // 400 of 1200 are expected; 5 standard deviations are 82.
    for (const count of counts) expect(Math.abs(count - 400)).toBeLessThan(82);
  });
});

describe('a shuffle', () => {
  it('has the same patches in another order', async () => {
    const { train } = await chosen({ shuffle: true, seed: 5 }, ['train']);
    expect(train).not.toEqual(ascending(train!));
    expect(ascending(train!)).toEqual([...Array(120).keys()]);
    const label = train!.map((i) => labels.train[i]!);
    const changes = label.filter((one, i) => i > 0 && one !== label[i - 1]).length;
    expect(changes).toBeGreaterThan(40);
  });
});

describe('the record of a selection', () => {
  it('says what decides, and nothing else', async () => {
    const input = await openInput({ dir: data.dir, manifest: data.manifest, splits: ['test'] });
    const record = async (selection: SelectionOptions) =>
      (await select({ input, selection: await resolveSelection(selection, ['test']) })).record;
    expect(await record({ seed: 7 })).toBeUndefined();
    expect(await record({ label: 1, seed: 7 })).toEqual({ label: 1 });
    expect(await record({ slides: ['*', '*1*', '*'], sample: 2 })).toEqual({
      slides: ['*', '*1*'],
      sample: 2,
      seed: 0,
    });
    const sha256 = createHash('sha256').update('1\n2\n').digest('hex');
    for (const text of ['1\n2\n', '1\r\n2\r\n', '\ufeff1\n2\n']) {
      expect(await record({ indices: await indicesFile(text) })).toEqual({ indices: { sha256 } });
    }
  });
});

describe('what cannot be met', () => {
  const refused = (selection: SelectionOptions, splits?: SplitName[]) =>
    chosen(selection, splits).catch((e) => e);

  it.each([
    [{ perClass: 9999 }, /9999 patches of each class .*20 with label 0 and 20 with label 1/],
    [{ sample: 41 }, /sample of 41 .*leaves 40/],
    [{ slides: ['*nothing*'] }, /no slide of valid matches \*nothing\*/],
    [{ sample: 0 }, /sample must be a whole number/],
    [{ seed: -1 }, /seed/],
    [{ label: 2 as 1 }, /label is 0 or 1/],
    [{ indices: '/nowhere/at/all' }, /no indices file/],
  ] as [SelectionOptions, RegExp][])('%o', async (selection, message) => {
    const error = await refused(selection, ['valid']);
    expect(error).toMatchObject({ code: 'USAGE', exitCode: 2, message: expect.stringMatching(message) });
  });

  it('names the slides that there are', async () => {
    const { hint } = await refused({ slides: ['normal'] }, ['valid']);
    expect(hint).toContain(slides.valid[0]);
  });

  it.each([
    ['3\nthree\n', /line 2: expected an index.*"three"/],
    ['index\n1\n', /line 1/],
    ['1\n-1\n', /line 2/],
    ['1\n1.5\n', /line 2/],
    ['5\n1\n\n5\n', /line 4: expected every patch once, found 5, as in line 1/],
    ['1\n40\n', /line 2: expected an index from 0 to 39.*found 40/],
    ['dev,1\n', /line 1/],
    ['1,2,3\n', /line 1/],
    ['1 2\n', /line 1/],
    ['99999999999999999999\n', /line 1/],
  ])('indices %j', async (text, message) => {
    const error = await refused({ indices: await indicesFile(text) }, ['valid']);
    expect(error).toMatchObject({ code: 'USAGE', message: expect.stringMatching(message) });
  });

  it('an index alone where several splits are chosen', async () => {
    const error = await refused({ indices: await indicesFile('1\n') });
    expect(error).toMatchObject({ code: 'USAGE', message: expect.stringMatching(/split,index/) });
  });

  it('nothing at all is an empty selection', async () => {
    const indices = await indicesFile('# none\n');
    expect(await refused({ indices }, ['valid'])).toMatchObject({ code: 'EMPTY_SELECTION', exitCode: 3 });
    const zero = await indicesFile(`${where('valid', (i) => labels.valid[i] === 0)[0]}\n`);
    expect(await refused({ indices: zero, label: 1 }, ['valid'])).toMatchObject({ code: 'EMPTY_SELECTION' });
  });
});
