/** What every command that reads splits agrees on: which are meant, what is missing, and what has changed. */
import { cp, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { PcamEvent } from '#pcam/core/events.js';
import { type InputRequest, openInput } from '#pcam/verified/input.js';
import { makeDataset, type TestDataset } from '../support/dataset.js';
import { pcamError } from '../support/outcome.js';
import { temporaryFolder } from '../support/temp.js';

let data: TestDataset;
beforeEach(async () => {
  data = await makeDataset({ train: 4, valid: 4, test: 4 });
});

const open = (request: Partial<InputRequest> = {}) => openInput({ ...data, ...request });
const refused = (request: Partial<InputRequest> = {}) => pcamError(open(request));

describe('the splits that are meant', () => {
  it('are those that are asked for, in the order of the data set', async () => {
    expect(await open({ splits: ['test', 'train'] })).toMatchObject({
      splits: ['train', 'test'],
      leftOut: [],
    });
  });

  it('are those whose images are in the folder when none is asked for, and the others are named', async () => {
    for (const split of ['train', 'test'] as const) await rm(data.path(split, 'images'));
    const events: PcamEvent[] = [];
    const input = await open({ onEvent: (event) => events.push(event) });
    expect(input).toMatchObject({ splits: ['valid'], leftOut: ['train', 'test'] });
    const message = 'train and test are not here: left out';
    expect(events).toEqual([{ type: 'notice', message, splits: ['valid'] }]);
  });

  it('must be in the manifest', async () => {
    const files = data.manifest.files.filter(({ split }) => split === 'valid');
    const manifest = { ...data.manifest, files };
    expect(await refused({ manifest, splits: ['test'] })).toMatchObject({
      code: 'USAGE',
      message: 'the manifest has no split test',
    });
    expect(await refused({ manifest: { ...manifest, files: [] } })).toMatchObject({ code: 'USAGE' });
  });
});

describe('what is missing', () => {
  it('is named by kind and split, with the command that fetches it', async () => {
    await rm(data.path('valid', 'images'));
    await rm(data.path('test', 'labels'));
    expect(await refused({ splits: ['valid'] })).toMatchObject({
      code: 'MISSING',
      message: `the images of valid are missing: there is no ${data.path('valid', 'images')}`,
      next: { command: 'download', splits: ['valid'] },
    });
    expect(await refused({ splits: ['test'], required: ['labels'] })).toMatchObject({
      message: `the labels of test are missing: there is no ${data.path('test', 'labels')}`,
    });
    const input = await open({ splits: ['test'] });
    expect(await input.labels('test')).toBeNull();
  });

  it('is everything in an empty folder; images in a folder near by are named', async () => {
    const above = await temporaryFolder();
    expect(await refused({ dir: above })).toMatchObject({
      code: 'MISSING',
      exitCode: 3,
      message: `there are no images in ${above}`,
      next: { command: 'download' },
    });
    await cp(data.dir, join(above, 'pcam'), { recursive: true });
    const near = await refused({ dir: above });
    expect(near).toMatchObject({
      code: 'MISSING',
      hint: `they are in ${join(above, 'pcam')}: name that folder`,
    });
    expect(near.next).toBeUndefined();
  });
});

describe('the files', () => {
  it('are read once', async () => {
    const input = await open();
    const labels = await input.labels('valid');
    await rm(data.path('valid', 'labels'));
    expect(await input.labels('valid')).toBe(labels);
    expect(labels).toHaveLength(await input.count('valid'));
  });

  it('are verified against the manifest', async () => {
    expect(await (await open()).verify()).toHaveLength(9);
    await writeFile(data.path('test', 'meta'), 'index\n');
    const input = await open();
    const meta = input.files.find(({ split, kind }) => split === 'test' && kind === 'meta')!;
    expect([await input.matches(meta), await input.matches(input.files[0]!)]).toEqual([false, true]);
    expect(await pcamError(input.verify())).toMatchObject({ code: 'NOT_VERIFIED' });
  });

  it('must stay as they were', async () => {
    const input = await open();
    await input.requireUnchanged();
    await utimes(data.path('train', 'images'), 1, 1);
    expect(await pcamError(input.requireUnchanged())).toMatchObject({ code: 'NOT_VERIFIED' });
  });
});

it('takes a manifest that has no labels for one that cannot be exported', async () => {
  const files = data.manifest.files.filter(({ kind }) => kind !== 'labels');
  expect(await refused({ manifest: { ...data.manifest, files }, required: ['labels'] })).toMatchObject({
    code: 'BAD_MANIFEST',
  });
});
