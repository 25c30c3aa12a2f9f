/** Once per run of the suite: a folder for the fixtures that its files share. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Inherited by the processes in which the tests run. */
export const FIXTURES = 'TEST_FIXTURES';

export default async function setup(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'pcam-test-fixtures-'));
  process.env[FIXTURES] = folder;
  return () => rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
