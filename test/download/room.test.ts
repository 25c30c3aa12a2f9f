/** How much room a run needs, and how it makes do with less. */
import { describe, expect, it } from 'vitest';
import { bytesNeeded, inOrder, planToFit, wayToFit } from '#pcam/download/room.js';
import type { DatasetFile } from '#pcam/manifest/types.js';

const GB = 1e9;
const HEX = 'f'.repeat(32);

function need(split: DatasetFile['split'], bytes: number, extracted: number, archiveThere = false) {
  const name = `${split}_x.h5`;
  const inside = { name, md5: HEX, bytes: extracted };
  const file = { name: `${name}.gz`, split, kind: 'images', bytes, md5: HEX, extracted: inside } as const;
  return { file, archiveThere, freed: 0, partialBytes: 0, begun: false };
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
    [
      'the largest archive beside its file, where they come one at a time',
      { ...DEFAULTS, jobs: 1 },
      7.2 + 6.4,
    ],
    ['all archives where they are kept', { ...DEFAULTS, jobs: 1, keepArchives: true }, 9 + 8],
    ['archives alone', { ...DEFAULTS, extract: false }, 8],
  ])('is %s', (_, settings, expected) => {
    expect(bytesNeeded(NEEDS, settings) / GB).toBeCloseTo(expected, 2);
  });

  it('leaves out an archive that is on the disk', () => {
    expect(bytesNeeded([need('train', 6.4 * GB, 7.2 * GB, true)], DEFAULTS) / GB).toBeCloseTo(7.2, 2);
  });

  it('counts what a partial download has already, and what is free again after each file', () => {
    const begun = { ...NEEDS[0]!, partialBytes: 6 * GB, freed: 6 * GB };
    expect(bytesNeeded([begun], DEFAULTS) / GB).toBeCloseTo(7.2 + 0.4, 2);
    const more = [begun, ...NEEDS.slice(1)];
    expect(bytesNeeded(more, { ...DEFAULTS, jobs: 1 }) / GB).toBeCloseTo(7.6, 2);
  });

  it('is nothing where nothing is to be written', () => {
    expect(bytesNeeded([], DEFAULTS)).toBe(0);
  });
});

describe('inOrder', () => {
  it('has labels and metadata first, then the largest images', () => {
    const files = (['images', 'labels', 'meta'] as const).flatMap((kind) =>
      [1, 3, 2].map((bytes) => ({ file: { kind, bytes } as DatasetFile })),
    );
    expect(inOrder(files).map(({ file }) => `${file.kind} ${file.bytes}`)).toEqual([
      ...['labels 1', 'labels 3', 'labels 2', 'meta 1', 'meta 3', 'meta 2'],
      ...['images 3', 'images 2', 'images 1'],
    ]);
  });
});

describe('planToFit', () => {
  const splits = (free: number, settings = DEFAULTS, stream = false, needs = NEEDS) => {
    const plan = planToFit(needs, settings, { free: free * GB, stream });
    return plan && { jobs: plan.jobs, streamed: [...plan.streamed].map(({ split }) => split) };
  };

  it.each([
    ['is what was asked for where that fits', 17.01, { jobs: 3, streamed: [] }],
    ['fetches one file at a time', 17, { jobs: 1, streamed: [] }],
    ['decompresses the largest archive as it arrives', 13.5, { jobs: 3, streamed: ['train'] }],
    ['does both', 9.9, { jobs: 1, streamed: ['train'] }],
    ['decompresses all archives as they arrive', 9.01, { jobs: 3, streamed: ['train', 'valid', 'test'] }],
    ['is nothing where the decompressed files do not fit', 9, undefined],
  ])('%s', (_, free, expected) => {
    expect(splits(free)).toEqual(expected);
  });

  it('keeps what an earlier run has left of an archive, and archives that are to be kept', () => {
    const begun = NEEDS.map((one, i) => ({ ...one, begun: i === 0 }));
    expect(splits(13.7, DEFAULTS, false, begun)).toEqual({ jobs: 1, streamed: [] });
    expect(splits(13.5, DEFAULTS, false, begun)).toBeUndefined();
    expect(splits(16.9, { ...DEFAULTS, keepArchives: true })).toBeUndefined();
    expect(splits(7, { ...DEFAULTS, extract: false })).toBeUndefined();
  });

  it('decompresses all archives as they arrive where that is asked for', () => {
    expect(splits(99, DEFAULTS, true)).toEqual({ jobs: 3, streamed: ['train', 'valid', 'test'] });
  });
});

describe('wayToFit', () => {
  it.each([
    ['keepArchives', { ...DEFAULTS, jobs: 2, keepArchives: true }, 16.5, ['keepArchives'], '16.2 GB'],
    ['keepArchives', { ...DEFAULTS, keepArchives: true }, 9.1, ['keepArchives'], '9 GB'],
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
