/** Makes a test the owner of a folder until it is over. */
import { onTestFinished } from 'vitest';
import { type LockOptions, withLock } from '#pcam/fs/lock.js';
import type { RunFolder } from '#pcam/fs/run-folder.js';
import { layout, type OwnedLayout } from '#pcam/store/layout.js';

export interface Held {
  readonly run: RunFolder;
  release(): Promise<void>;
}

/** Takes a lock, and holds it until it is released or the test is over. */
export function holdLock(options: Omit<LockOptions, 'command'> & { command?: string }): Promise<Held> {
  return new Promise((resolve, reject) => {
    const work = withLock({ command: 'test', ...options }, (run) => {
      return new Promise<void>((done) => {
        const release = () => {
          done();
          return work.catch(() => {}); // LOCKED, where the test has taken the lock away
        };
        onTestFinished(release);
        resolve({ run, release });
      });
    });
    work.catch(reject);
  });
}

export interface Owned {
  readonly paths: OwnedLayout;
  release(): Promise<void>;
}

/** The data set folder as a run sees it; nothing of an earlier run is finished or taken over. */
export async function ownFolder(dir: string): Promise<Owned> {
  const { lock: path, temporaries } = layout(dir);
  const { run, release } = await holdLock({ path, temporaries });
  return { paths: { ...layout(dir), run }, release };
}
