/** How much room a run needs, and what would make it fit. */
import { describe, expect, it } from 'vitest';
import { bytesNeeded, wayToFit } from '#pcam/download/target.js';
import type { DatasetFile } from '#pcam/manifest/types.js';

const GB = 1e9;
const HEX = 'f'.repeat(32);

function need(split: DatasetFile['split'], bytes: number, extracted: number, archiveThere = false) {
  const name = `${split}_x.h5`;
  const inside = { name, md5: HEX, bytes: extracted };
  const file = { name: `${name}.gz`, split, kind: 'images', bytes, md5: HEX, extracted: inside } as const;
  return { file, archiveThere };
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

describe('wayToFit', () => {
  it.each([
    ['jobs', DEFAULTS, 16, ['jobs'], '15.4 GB'],
    ['keepArchives', { ...DEFAULTS, jobs: 2, keepArchives: true }, 16.5, ['keepArchives'], '16.2 GB'],
    ['both', { ...DEFAULTS, keepArchives: true }, 15.5, ['keepArchives', 'jobs'], '15.4 GB'],
    ['another disk for the archives', { ...DEFAULTS, jobs: 1 }, 9.5, ['extract', 'from'], '9 GB'],
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
