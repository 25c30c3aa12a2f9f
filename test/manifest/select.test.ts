/** Which files are meant by splits and kinds. */
import { expect, it } from 'vitest';
import { readManifest } from '#pcam/manifest/parse.js';
import { type Selection, selectFiles } from '#pcam/manifest/select.js';
import { pcamError } from '../support/outcome.js';

async function chosen(selection: Selection): Promise<string[]> {
  const names = selectFiles(await readManifest(), selection).map(({ name }) => name);
  return names.map((name) => /split_(\w+)/.exec(name)![1]!);
}

it('is all nine by default', async () => {
  expect(await chosen({})).toHaveLength(9);
  expect(await chosen({ splits: [], kinds: [] })).toHaveLength(9);
});

it('keeps the order of the manifest', async () => {
  expect(await chosen({ splits: ['test', 'train'], kinds: ['labels', 'images'] })).toEqual([
    'train_x',
    'train_y',
    'test_x',
    'test_y',
  ]);
});

it('refuses a choice that chooses nothing: it must not pass for a data set that is right', async () => {
  const manifest = await readManifest();
  const train = { ...manifest, files: manifest.files.filter(({ split }) => split === 'train') };
  const error = await pcamError(() => selectFiles(train, { splits: ['valid'] }));
  expect(error).toMatchObject({ code: 'USAGE', exitCode: 2 });
});
