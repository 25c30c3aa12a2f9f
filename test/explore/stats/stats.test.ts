/** Statistics against the plain way to them, on a data set into which duplicates were put. */
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PcamEvent } from '#pcam/core/events.js';
import { findingsOf } from '#pcam/explore/stats/findings.js';
import { collectStats, stats } from '#pcam/explore/stats/stats.js';
import type { SplitName } from '#pcam/manifest/types.js';
import { makeDataset, type TestDataset } from '../../support/dataset.js';
import { edit } from '../../support/edit.js';
import { pcamError } from '../../support/outcome.js';
import { channelReference, readReference } from '../../support/reference.js';

const codes = (findings: readonly { code: string }[]) => findings.map(({ code }) => code);

/** Copies within valid (one with another label), one from train to valid, and patches of one colour. */
async function withFindings(): Promise<TestDataset> {
  const data = await makeDataset({ train: 40, valid: 24, test: 6 });
  const valid = await readReference({ ...data, split: 'valid' });
  const train = await readReference({ ...data, split: 'train' });
  const label = (i: number) => valid.labels[i] as 0 | 1;
  await edit(data, [
    { split: 'valid', index: 7, pixels: valid.patches[3], label: label(3) },
    { split: 'valid', index: 9, pixels: valid.patches[3], label: label(3) },
    { split: 'valid', index: 23, pixels: valid.patches[4], label: label(4) === 1 ? 0 : 1 },
    { split: 'valid', index: 11, pixels: train.patches[2] },
    { split: 'valid', index: 12, pixels: train.patches[39] },
    { split: 'train', index: 5, pixels: [255, 255, 255] },
    { split: 'train', index: 6, pixels: [0, 0, 0] },
    { split: 'train', index: 7, pixels: [9, 9, 9] },
    { split: 'train', index: 8, pixels: [0, 255, 255] },
  ]);
  return data;
}

describe('stats', () => {
  it('count what is there, exactly', async () => {
    const data = await withFindings();
    const result = await stats(data);
    expect(result.ok).toBe(true);
    const references = await Promise.all(
      (['train', 'valid', 'test'] as SplitName[]).map((split) => readReference({ ...data, split })),
    );
    for (const [i, { labels, slides, sha1, patches }] of references.entries()) {
      const found = result.splits[i]!;
      const positive = labels.filter((label) => label === 1).length;
      const unique = new Set(sha1).size;
      expect(found).toMatchObject({
        patches: labels.length,
        positive,
        negative: labels.length - positive,
        unique,
      });
      for (const channel of [0, 1, 2]) {
        const { mean, std, histogram } = channelReference(patches, channel);
        expect(found.channels.histogram[channel]).toEqual(histogram);
        expect(found.channels.mean[channel]).toBe(mean);
        expect(found.channels.std[channel]).toBeCloseTo(std, 9);
      }
      const names = [...new Set(slides)].sort();
      expect(found.slides).toBe(names.length);
      expect(found.perSlide).toEqual(
        names.map((wsi) => ({
          wsi,
          patches: slides.filter((slide) => slide === wsi).length,
          positive: slides.filter((slide, patch) => slide === wsi && labels[patch] === 1).length,
        })),
      );
    }
    const everything = references.flatMap(({ sha1 }) => sha1);
    expect(result.all.patches).toBe(70);
    expect(result.all.unique).toBe(new Set(everything).size);
    const { mean, histogram } = channelReference(
      references.flatMap(({ patches }) => patches),
      1,
    );
    expect([result.all.channels.mean[1], result.all.channels.histogram[1]]).toEqual([mean, histogram]);
  });

  it('find duplicates, shared patches and patches of one colour', async () => {
    const data = await withFindings();
    const { labels } = await readReference({ ...data, split: 'valid' });
    const { splits, shared, findings } = await stats(data);
    const positive = [7, 9, 23].filter((i) => labels[i] === 1).length;
    expect(splits[1]!.duplicates).toEqual({
      ...{ extra: 3, groups: 2, largest: 3, conflicting: 1 },
      ...{ positive, negative: 3 - positive },
    });
    expect(splits[2]!.duplicates).toEqual({
      ...{ extra: 0, groups: 0, largest: 1, positive: 0, negative: 0, conflicting: 0 },
    });
    expect(splits[0]!.uniform).toEqual({ white: 1, black: 1, other: 2 });
    expect(shared).toEqual([
      { splits: ['train', 'valid'], slides: 0, patches: 2 },
      { splits: ['train', 'test'], slides: 0, patches: 0 },
      { splits: ['valid', 'test'], slides: 0, patches: 0 },
    ]);
    expect(codes(findings)).toEqual(
      expect.arrayContaining([
        'DUPLICATES',
        'CONFLICTING_LABELS',
        'PATCH_OVERLAP',
        'UNIFORM',
        'NOT_VERIFIED',
      ]),
    );
  });

  it('give the channels of unique patches, and the first of identical ones', async () => {
    const data = await withFindings();
    const { splits } = await collectStats({ ...data, splits: ['valid'] });
    const { patches, sha1 } = await readReference({ ...data, split: 'valid' });
    const unique = patches.filter((_, i) => sha1.indexOf(sha1[i]!) === i);
    expect(splits[0]!.uniqueChannels.histogram[0]).toEqual(channelReference(unique, 0).histogram);
    expect([...splits[0]!.first]).toEqual(sha1.map((digest) => sha1.indexOf(digest)));
    expect(splits[0]!.copies[9]).toBe(3);
  });

  it('say nothing alarming of a data set that is as it should be', async () => {
    const { findings } = await stats(await makeDataset({ train: 40, valid: 24, test: 6, seed: 3 }));
    expect(codes(findings)).not.toContain('NOT_VERIFIED');
    expect(codes(findings)).not.toContain('CENTER_TUMOR');
  });

  it('notice labels that are not what the meta rows say', async () => {
    const data = await makeDataset();
    const { labels } = await readReference({ ...data, split: 'valid' });
    await edit(data, [{ split: 'valid', index: 2, label: labels[2] === 1 ? 0 : 1 }]);
    const { findings } = await stats({ ...data, splits: ['valid'] });
    expect(findings.find(({ code }) => code === 'CENTER_TUMOR')!.message).toMatch(/1 label of 6 .* at 2$/);
  });
});

describe('the second call', () => {
  const scans = (events: readonly PcamEvent[]) =>
    events.filter((event) => event.type === 'begin' && event.step === 'scan');

  it('reads no image, and says the same', async () => {
    const data = await makeDataset();
    const first = await stats(data);
    const events: PcamEvent[] = [];
    expect(await stats({ ...data, onEvent: (event) => events.push(event) })).toEqual(first);
    expect(events).toEqual([]);
  });

  it('reads them again when they have changed', async () => {
    const data = await makeDataset();
    await stats(data);
    await edit(data, [{ split: 'test', index: 1, pixels: [255, 255, 255] }]);
    const events: PcamEvent[] = [];
    const { splits } = await stats({ ...data, onEvent: (event) => events.push(event) });
    expect(splits[2]!.uniform.white).toBe(1);
    expect(scans(events)).toMatchObject([{ task: 'test' }]);
    expect(await readdir(join(data.dir, '.pcam', 'scans'))).toHaveLength(3);
  });

  it('does not believe a cache that is damaged', async () => {
    const data = await makeDataset();
    const first = await stats(data);
    const folder = join(data.dir, '.pcam', 'scans');
    const [one, two, three] = (await readdir(folder)).map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const bytes = await readFile(one);
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(one, bytes);
    await writeFile(two, 'garbage');
    await rm(three);
    await mkdir(three);
    expect(await stats(data)).toEqual(first);
  });

  it('works in a folder that cannot be written to', async () => {
    const data = await makeDataset();
    const first = await stats(data);
    await rm(join(data.dir, '.pcam'), { recursive: true });
    await writeFile(join(data.dir, '.pcam'), 'in the way');
    expect(await stats(data)).toEqual(first);
    await chmod(join(data.dir, '.pcam'), 0o600);
  });
});

describe('what is unknown', () => {
  it('is null without labels and meta, and is said', async () => {
    const data = await makeDataset();
    await rm(data.path('valid', 'labels'));
    await rm(data.path('valid', 'meta'));
    const { splits, all, shared, findings } = await stats(data);
    expect(splits[1]).toMatchObject({
      ...{ positive: null, negative: null, slides: null, perSlide: null },
      duplicates: { positive: null, negative: null, conflicting: null },
    });
    expect(all).toMatchObject({ patches: 22, positive: null, negative: null });
    expect(shared.map(({ slides }) => slides)).toEqual([null, 0, null]);
    expect(findings.filter(({ code }) => code === 'MISSING')).toHaveLength(2);
  });

  it('splits that are not there are left out, unless they were asked for', async () => {
    const data = await makeDataset();
    await rm(data.path('train', 'images'));
    const { splits, findings } = await stats(data);
    expect(splits.map(({ split }) => split)).toEqual(['valid', 'test']);
    expect(codes(findings)).toContain('MISSING');
    expect((await pcamError(stats({ ...data, splits: ['train', 'valid'] }))).code).toBe('MISSING');
  });

  it('files that cannot be read are errors', async () => {
    const data = await makeDataset();
    await writeFile(data.path('test', 'meta'), 'a,b\n1,2\n');
    expect((await pcamError(stats(data))).code).toBe('BAD_CSV');
  });

  it('an abort is prompt', async () => {
    const data = await makeDataset();
    const stop = new AbortController();
    const onEvent = () => stop.abort();
    expect((await pcamError(stats({ ...data, signal: stop.signal, onEvent }))).code).toBe('ABORTED');
  });
});

describe('the real data set', () => {
  it('has published values beside the measured ones, and questionable slides counted', async () => {
    const data = await makeDataset();
    const path = data.path('train', 'meta');
    const csv = (await readFile(path, 'utf8')).replaceAll(
      /camelyon16_train_tumor_\d+/g,
      'camelyon16_train_tumor_010',
    );
    await writeFile(path, csv);
    const { splits, result, provenance } = await collectStats(data);
    expect(provenance).toBe('synthetic');
    expect(codes(result.findings).join()).not.toMatch(/PUBLISHED|QUESTIONABLE/);
    const findings = findingsOf({ provenance: 'pcam', splits, shared: result.shared });
    expect(codes(findings)).toContain('QUESTIONABLE_SLIDES');
    // Train's meta file is not the real one any more, so only valid and test are compared.
    expect(findings.filter(({ code }) => code.startsWith('PUBLISHED')).map(({ message }) => message)).toEqual(
      [expect.stringMatching(/^valid and test: \d+ distinct patches; .* has 57,458$/)],
    );
  });
});

it('announces all splits before the first scan, and ends each, also one that was scanned before', async () => {
  const data = await makeDataset({ train: 12, valid: 8, test: 4 });
  await stats({ ...data, splits: ['valid'] });
  const events: PcamEvent[] = [];
  await stats({ ...data, onEvent: (event) => void events.push(event) });
  const tasks = [
    { task: 'train', total: 12 },
    { task: 'valid', total: 8 },
    { task: 'test', total: 4 },
  ];
  expect(events.find(({ type }) => type === 'plan')).toEqual({ type: 'plan', unit: 'patches', tasks });
  const ends = events.flatMap((event) => (event.type === 'end' && event.step === 'scan' ? [event] : []));
  expect(ends.map(({ task, done, outcome }) => [task, done, outcome])).toEqual([
    ['train', 12, 'done'],
    ['valid', 8, 'present'],
    ['test', 4, 'done'],
  ]);
});
