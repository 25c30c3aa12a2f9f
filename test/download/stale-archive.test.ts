/** A damaged archive beside a right decompressed file: `verify` complains of it, so `download` has to mend it. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { download } from '#pcam/download/download.js';
import { verify } from '#pcam/verify/verify.js';
import { archive, manifestOf, noise } from '../support/files.js';
import { serveFiles } from '../support/server.js';
import { temporaryFolder } from '../support/temp.js';

async function withDamagedArchive() {
  const dir = await temporaryFolder();
  const file = archive('a.h5', noise(10_000));
  const server = await serveFiles({ 'a.h5.gz': file.served });
  const manifest = manifestOf([file], { web: { type: 'http', baseUrl: server.url } });
  await download({ dir, manifest, keepArchives: true });
  await writeFile(join(dir, 'a.h5.gz'), 'damaged');
  return { dir, file, server, manifest };
}

test('it goes where archives are not kept, and nothing is fetched', async () => {
  const { dir, server, manifest } = await withDamagedArchive();
  const before = server.requests.length;
  expect((await download({ dir, manifest })).files).toMatchObject([{ status: 'present' }]);
  expect(server.requests).toHaveLength(before);
  expect((await readdir(dir)).filter((name) => name !== '.pcam')).toEqual(['a.h5']);
  expect((await verify({ dir, manifest })).ok).toBe(true);
});

test('it is fetched again where archives are kept', async () => {
  const { dir, file, manifest } = await withDamagedArchive();
  expect((await download({ dir, manifest, keepArchives: true })).files).toMatchObject([
    { status: 'downloaded' },
  ]);
  expect(await readFile(join(dir, 'a.h5.gz'))).toEqual(file.served);
  expect((await verify({ dir, manifest })).ok).toBe(true);
});
