/** What info says of the files and of their state in a folder, without reading them. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { info } from '#pcam/info/info.js';
import { verify } from '#pcam/verify/verify.js';
import { makeDataset } from '../support/dataset.js';
import { archive, manifestOf, noise, plainFile, put } from '../support/files.js';
import { putPartial } from '../support/part.js';
import { temporaryFolder } from '../support/temp.js';

const x = archive('train_x.h5', noise(900, 1));
const y = archive('train_y.h5', noise(300, 2), { kind: 'labels' });
const meta = plainFile('train_meta.csv', noise(100, 3), {
  unsized: true,
  noSha256: true,
  fields: { gdriveId: undefined },
});
const manifest = manifestOf([x, y, meta], {
  drive: { type: 'google-drive', baseUrl: 'https://drive.google.com' },
  web: { type: 'http', baseUrl: 'https://web' },
});

async function states(dir: string): Promise<string[]> {
  return (await info({ dir, manifest })).files.map(({ state }) => state);
}

describe('info', () => {
  it('has what the manifest has, with null for what it does not say', async () => {
    const result = await info({ dir: 'nowhere', manifest });
    expect(result).toMatchObject({ ok: true, dataset: 'tiny', homepage: null, license: null, citation: [] });
    expect(result.files[0]).toEqual({
      name: x.file.name,
      split: 'train',
      kind: 'images',
      bytes: x.served.length,
      md5: x.file.md5,
      sha256: x.file.sha256,
      extracted: { name: 'train_x.h5', md5: x.file.extracted!.md5, bytes: 900 },
      sources: ['drive', 'web'],
      urls: [
        { source: 'drive', url: 'https://drive.google.com/uc?export=download&id=id-train_x_h5_gz' },
        { source: 'web', url: 'https://web/train_x.h5.gz' },
      ],
      state: 'missing',
      hdf5: null,
    });
    expect(result.files[2]).toMatchObject({ bytes: null, sha256: null, extracted: null, sources: ['web'] });
  });

  it('tells the state of each file by receipts and names', async () => {
    const dir = await put(await temporaryFolder(), {
      'train_x.h5': x.plain,
      'train_y.h5.gz': y.served,
    });
    await putPartial(dir, meta.file, { content: meta.plain, chunks: [0] });
    expect(await states(dir)).toEqual(['unverified', 'archive', 'partial']);
    await verify({ dir, manifest });
    expect(await states(dir)).toEqual(['verified', 'archive', 'partial']);
    await writeFile(join(dir, 'train_x.h5'), noise(901, 4));
    await put(dir, { 'train_meta.csv': meta.plain });
    expect(await states(dir)).toEqual(['unverified', 'archive', 'unverified']);
    await rm(join(dir, 'train_y.h5.gz'));
    expect(await states(dir)).toEqual(['unverified', 'missing', 'unverified']);
  });

  it('tells how arrays are stored in the files that are in the folder', async () => {
    const data = await makeDataset();
    await rm(data.path('valid', 'images'));
    await writeFile(data.path('test', 'images'), 'not HDF5');
    const { files } = await info(data);
    const place = (split: string) =>
      files.find((file) => file.split === split && file.kind === 'images')!.hdf5;
    expect(place('train')).toEqual({
      ...{ path: 'x', shape: [12, 96, 96, 3], dtype: 'uint8' },
      ...{ layout: 'contiguous', offset: 2048, chunks: null, filters: null },
    });
    expect([place('valid'), place('test')]).toEqual([null, null]);
    const others = files.filter(({ split, kind }) => split === 'train' && kind !== 'images');
    expect(others.map(({ hdf5 }) => hdf5?.dtype ?? null)).toEqual(['uint8', null]);
  });

  it('knows the nine files of the built-in manifest', async () => {
    const { files } = await info({ dir: await temporaryFolder(), splits: ['valid'] });
    expect(files.map(({ kind, state, sources }) => [kind, state, sources.length])).toEqual([
      ['images', 'missing', 2],
      ['labels', 'missing', 2],
      ['meta', 'missing', 2],
    ]);
  });
});
