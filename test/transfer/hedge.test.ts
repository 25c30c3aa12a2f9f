/** A source that takes a connection and says nothing must not hold up the others. */
import { expect, test } from 'vitest';
import { download } from '#pcam/download/download.js';
import { quickClock } from '../support/clock.js';
import { manifestOf, noise, plainFile } from '../support/files.js';
import { listen, serveFiles } from '../support/server.js';
import { temporaryFolder } from '../support/temp.js';

test('another source is asked when the first one does not answer', async () => {
  const dir = await temporaryFolder();
  const file = plainFile('a.csv', noise(100_000));
  const silent = await listen(() => {});
  const right = await serveFiles({ 'a.csv': file.plain });
  const manifest = manifestOf([file], {
    silent: { type: 'http', baseUrl: silent.url },
    right: { type: 'http', baseUrl: right.url },
  });
  // No timeout of the silent source is short enough to explain the end of this test.
  const options = { dir, manifest, timeouts: { headers: 300_000, stall: 300_000 } };
  const result = await download(options, { clock: quickClock(20) });
  expect(result.files).toMatchObject([{ status: 'downloaded', sources: { right: 100_000 } }]);
  expect(silent.requests).toHaveLength(1);
});
