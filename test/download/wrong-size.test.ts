/** A first source whose copy is short and wrong must not cost the sources that disagree with its size. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { download } from '#pcam/download/download.js';
import { manifestOf, noise, plainFile } from '../support/files.js';
import { serveFiles } from '../support/server.js';
import { temporaryFolder } from '../support/temp.js';

test('a source that was out for its size is asked again once the other one proved wrong', async () => {
  const dir = await temporaryFolder();
  const meta = plainFile('meta.csv', noise(50_000), { unsized: true });
  const short = await serveFiles({ 'meta.csv': meta.plain.subarray(0, 40_000) });
  const right = await serveFiles({ 'meta.csv': meta.plain });
  const manifest = manifestOf([meta], {
    short: { type: 'http', baseUrl: short.url },
    right: { type: 'http', baseUrl: right.url },
  });
  const result = await download({ dir, manifest });
  expect(result.files).toMatchObject([
    // Each is asked for its copy once: what proved wrong is fetched from another source, not from the same again.
    { name: 'meta.csv', status: 'downloaded', sources: { short: 40_000, right: 50_000 } },
  ]);
  expect(await readFile(join(dir, 'meta.csv'))).toEqual(meta.plain);
});
