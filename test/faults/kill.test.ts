/** kill -9 in the middle, again and again; bench/kill.mjs does the same with a file over 100 MB. */
import { expect, test } from 'vitest';
import { CHUNK_BYTES } from '#pcam/store/chunks.js';
import { CONNECTIONS, killAndResume } from '../../bench/kill.mjs';
import { temporaryFolder } from '../support/temp.js';

/** Bytes between server and client, per connection. */
const BUFFERS = 1024 * 1024;

test('five times kill -9: the result is right, and only what was in flight comes twice', async () => {
  const folder = await temporaryFolder();
  const result = await killAndResume({ folder, bytes: 40_000_000, kills: 5, rate: 10_000_000 });
  expect(result.right).toBe(true);
  expect(result.kills).toBe(5);
  // A chunk per connection, and what lies in the buffers between server and client.
  expect(result.twice).toBeLessThanOrEqual(result.kills * CONNECTIONS * (CHUNK_BYTES + BUFFERS));
});
