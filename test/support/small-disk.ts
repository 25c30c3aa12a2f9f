/** A disk of a few MB for a test: a tmpfs, where this machine lets us mount one. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { sharedFolder } from './temp.js';

const run = promisify(execFile);

export interface SmallDisk extends AsyncDisposable {
  readonly folder: string;
  resize(bytes: number): Promise<void>;
  /** Nothing can be written from now on, whoever asks: permissions do not stop root. */
  readOnly(): Promise<void>;
}

/** True where small disks can be mounted. @throws Error in CI, where they must be */
export async function canMount(): Promise<boolean> {
  const { folder, remove } = await sharedFolder();
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'pcam-test', folder]);
    await run('umount', [folder]);
    return true;
  } catch (cause) {
    const line =
      'no right to mount a tmpfs here: the tests of full and read-only disks are skipped (run them as root)';
    if (process.env.CI) throw new Error(line, { cause });
    console.warn(line);
    return false;
  } finally {
    await remove();
  }
}

export async function smallDisk(bytes: number, { inodes = 0 } = {}): Promise<SmallDisk> {
  const { folder, remove } = await sharedFolder();
  await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes},nr_inodes=${inodes}`, 'pcam-test', folder]);
  return {
    folder,
    resize: async (to) => void (await run('mount', ['-o', `remount,size=${to}`, folder])),
    readOnly: async () => void (await run('mount', ['-o', 'remount,ro', folder])),
    [Symbol.asyncDispose]: async () => {
      await run('umount', ['-l', folder]);
      await remove();
    },
  };
}
