import { readFile, truncate, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { PcamError } from '#pcam/core/errors.js';
import { Random } from '#pcam/core/random.js';
import { openSplit } from '#pcam/dataset/split.js';
import { makeDataset } from '../support/dataset.js';

/** Where the array starts in files of a fixture; the structure is before. */
const DATA = 2048;

describe('damaged HDF5', () => {
  it.each(['images', 'labels'] as const)(
    '%s: any bytes in the structure end as data or as an error of ours',
    async (kind) => {
      const data = await makeDataset({ train: 2, valid: 2, test: 2 });
      const file = data.path('test', kind);
      const sound = await readFile(file);
      for (let i = 0; i < 60; i++) {
        await writeFile(file, damaged(sound, new Random(i)));
        try {
          const split = await openSplit({ ...data, split: 'test' });
          split.readPatches(0, split.count);
          split.close();
        } catch (error) {
          expect(error).toBeInstanceOf(PcamError);
          expect(['BAD_HDF5', 'BAD_DATA']).toContain((error as PcamError).code);
        }
      }
      // None of them has left the reader unable to read a sound file.
      await writeFile(file, sound);
      (await openSplit({ ...data, split: 'test' })).close();
    },
  );

  it('is told apart from what is no HDF5', async () => {
    const data = await makeDataset();
    const file = data.path('test', 'images');
    const found = async () => {
      const error: PcamError = await openSplit({ ...data, split: 'test' }).then(
        () => expect.fail(),
        (e) => e,
      );
      return error.found;
    };
    await truncate(file, DATA + 5);
    expect(await found()).toMatch(/cut short or damaged/);
    await writeFile(file, Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]));
    expect(await found()).toMatch(/gzip archive/);
    await writeFile(file, 'a text');
    expect(await found()).toMatch(/another format/);
  });
});

function damaged(sound: Buffer, random: Random): Buffer {
  const bytes = Buffer.from(sound);
  for (let n = random.integer(1, 5); n > 0; n--) {
    const at = random.integer(0, DATA);
    const kind = random.integer(0, 3);
    if (kind === 0) bytes[at] = random.integer(0, 256);
    else if (kind === 1) bytes[at] = bytes[at]! ^ (1 << random.integer(0, 8));
    else bytes.fill(0xff, at, at + 8);
  }
  return random.chance(0.1) ? bytes.subarray(0, random.integer(0, bytes.length)) : bytes;
}
