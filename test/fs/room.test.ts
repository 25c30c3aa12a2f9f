/** Work that does not fit on the disk is refused with both figures; a folder that is still to be made is looked up from its parents. */
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { requireRoom } from '#pcam/fs/index.js';
import { pcamError } from '../support/outcome.js';
import { temporaryFolder } from '../support/temp.js';

const TOO_MUCH = Number.MAX_SAFE_INTEGER;
const advise = () => ({ hint: 'select less', options: ['out'] });

it('refuses more than is free, with what is needed, what is free and what to do', async () => {
  const folder = join(await temporaryFolder(), 'not', 'made', 'yet');
  const error = await pcamError(
    requireRoom({
      folder,
      needed: TOO_MUCH,
      advise: (free) => ({ hint: `fits in ${free}`, options: ['out'] }),
    }),
  );
  expect(error).toMatchObject({ code: 'DISK_FULL', options: ['out'], expected: `${TOO_MUCH} bytes` });
  expect(error.message).toMatch(/^not enough room in .*\/not\/made\/yet: [\d.]+ PB are needed, .+ are free$/);
  expect(error.hint).toBe(`fits in ${error.found!.replace(' bytes', '')}`);
});

it('says of an estimate that it is one', async () => {
  const folder = await temporaryFolder();
  const error = await pcamError(requireRoom({ folder, needed: TOO_MUCH, estimated: true, advise }));
  expect(error.message).toContain(': about ');
});

it('hands an estimate the block size of the disk, and accepts what fits', async () => {
  const folder = await temporaryFolder();
  const sizes: number[] = [];
  const needed = (blockSize: number) => sizes.push(blockSize);
  await requireRoom({ folder, needed, advise });
  expect(sizes).toEqual([(await statfs(folder)).bsize]);
});
