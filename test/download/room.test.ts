/** How much room a run needs, and how it makes do with less. */
import { describe, expect, it } from 'vitest';
import { bytesNeeded, planToFit, wayToFit, windowOf } from '#pcam/download/room.js';
import type { DatasetFile } from '#pcam/manifest/types.js';

const GB = 1e9;
const HEX = 'f'.repeat(32);

function need(split: DatasetFile['split'], bytes: number, extracted: number, archiveThere = false) {
  const name = `${split}_x.h5`;
  const inside = { name, md5: HEX, bytes: extracted };
  const file = { name: `${name}.gz`, split, kind: 'images', bytes, md5: HEX, extracted: inside } as const;
  return { file, archiveThere, begun: false };
}

const NEEDS = [
  need('train', 6.4 * GB, 7.2 * GB),
  need('valid', 0.8 * GB, 0.9 * GB),
  need('test', 0.8 * GB, 0.9 * GB),
];
const DEFAULTS = { jobs: 3, keepArchives: false, extract: true };

describe('bytesNeeded', () => {
  it.each([
    ['all decompressed, and the archives that are under way', DEFAULTS, 9 + 8],
    ['one archive at a time', { ...DEFAULTS, jobs: 1 }, 9 + 6.4],
    ['all archives where they are kept', { ...DEFAULTS, jobs: 1, keepArchives: true }, 9 + 8],
    ['archives alone', { ...DEFAULTS, extract: false }, 8],
  ])('is %s', (_, settings, expected) => {
    expect(bytesNeeded(NEEDS, settings) / GB).toBeCloseTo(expected, 6);
  });

  it('leaves out an archive that is on the disk', () => {
    expect(bytesNeeded([need('train', 6.4 * GB, 7.2 * GB, true)], DEFAULTS) / GB).toBeCloseTo(7.2, 6);
  });
});

describe('windowOf', () => {
  it.each([
    [7.2478 * GB, 432 * 2 ** 20],
    [40e6, 2 * 2 ** 20],
    [1e6, 2 * 2 ** 20],
  ])('of a file of %d bytes is a sixteenth of it, and no less than 2 MiB', (extracted, expected) => {
    expect(windowOf(need('train', 1, extracted).file)).toBe(expected);
  });
});

describe('planToFit', () => {
  const splits = (free: number, settings = DEFAULTS, windowed = false, needs = NEEDS) => {
    const plan = planToFit(needs, settings, { free: free * GB, windowed });
    return plan && { jobs: plan.jobs, windowed: [...plan.windowed].map(({ split }) => split) };
  };

  it.each([
    ['is what was asked for where that fits', 17, { jobs: 3, windowed: [] }],
    ['fetches one file at a time', 16.9, { jobs: 1, windowed: [] }],
    ['unpacks the largest archive as it arrives', 15.3, { jobs: 3, windowed: ['train'] }],
    ['does both', 10.3, { jobs: 1, windowed: ['train'] }],
    ['unpacks all archives as they arrive', 9.79, { jobs: 3, windowed: ['train', 'valid', 'test'] }],
    ['unpacks them one at a time', 9.5, { jobs: 1, windowed: ['train', 'valid', 'test'] }],
    ['is nothing where the decompressed files do not fit', 9, undefined],
  ])('%s', (_, free, expected) => {
    expect(splits(free)).toEqual(expected);
  });

  it('keeps what an earlier run has left of an archive, and archives that are to be kept', () => {
    const begun = NEEDS.map((one, i) => ({ ...one, begun: i === 0 }));
    expect(splits(15.6, DEFAULTS, false, begun)).toEqual({ jobs: 1, windowed: [] });
    expect(splits(15.3, DEFAULTS, false, begun)).toBeUndefined();
    expect(splits(16.9, { ...DEFAULTS, keepArchives: true })).toBeUndefined();
    expect(splits(7, { ...DEFAULTS, extract: false })).toBeUndefined();
  });

  it('unpacks all archives as they arrive where that is asked for', () => {
    expect(splits(99, DEFAULTS, true)).toEqual({ jobs: 3, windowed: ['train', 'valid', 'test'] });
    const small = [need('valid', 1e6, 1.1e6)];
    expect(splits(99, DEFAULTS, true, small)).toEqual({ jobs: 3, windowed: [] });
  });
});

describe('wayToFit', () => {
  it.each([
    ['keepArchives', { ...DEFAULTS, jobs: 2, keepArchives: true }, 16.5, ['keepArchives'], '16.2 GB'],
    ['keepArchives', { ...DEFAULTS, keepArchives: true }, 9.5, ['keepArchives'], '9.45 GB'],
    ['another disk for the archives', { ...DEFAULTS, jobs: 1 }, 9.1, ['extract', 'from'], '9 GB'],
  ])('names %s', (_, settings, free, options, bytes) => {
    const way = wayToFit(NEEDS, settings, free * GB);
    expect(way).toMatchObject({ options });
    expect(way!.hint).toContain(bytes.replace(' GB', ''));
  });

  it('names nothing where nothing would do', () => {
    expect(wayToFit(NEEDS, DEFAULTS, 8.9 * GB)).toBeUndefined();
    expect(wayToFit(NEEDS, { ...DEFAULTS, extract: false }, 1 * GB)).toBeUndefined();
  });
});
