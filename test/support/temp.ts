/** A temporary folder for each test. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A new empty folder that is gone when the test is over. */
export async function temporaryFolder(): Promise<string> {
  const { folder, remove } = await sharedFolder();
  onTestFinished(remove);
  return folder;
}

/** A new empty folder for several tests; call `remove` in `afterAll`. */
export async function sharedFolder(): Promise<{ folder: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'pcam-test-'));
  return { folder, remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }) };
}
