/** The names that callers had for `withLock` and `RunFolder`; goes with the last of them. */
import { type LockOptions, withLock } from './lock.js';
import type { RunFolder } from './run-folder.js';

export type Workspace = RunFolder;

export function withWorkspace<T>(
  { lock: path, ...options }: Omit<LockOptions, 'path'> & { lock: string },
  work: (workspace: Workspace) => Promise<T>,
): Promise<T> {
  return withLock({ ...options, path }, work);
}
