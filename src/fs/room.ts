/** Free disk space: how much there is, and the refusal of work that needs more. */
import { readFile, stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { formatBytes, PcamError } from '../core/index.js';

export interface RoomRequest {
  readonly folder: string;
  /** Bytes; a function where the estimate depends on the size of the blocks that the disk hands out. */
  readonly needed: number | ((blockSize: number) => number);
  /** `needed` is an estimate, and the message says so. */
  readonly estimated?: boolean;
  /** What to do when it does not fit in `free` bytes, and the options of the call that it is about. */
  readonly advise: (free: number) => { hint: string; options: readonly string[] };
}

/**
 * Refuses work that does not fit on the disk of `folder`, before anything is written. A file system that does not report
 * its free space is given a try.
 * @throws PcamError DISK_FULL
 */
export async function requireRoom({ folder, needed, estimated, advise }: RoomRequest): Promise<void> {
  const disk = await diskOf(folder).catch(() => undefined);
  if (!disk) return;
  const bytes = typeof needed === 'number' ? needed : needed(disk.blockSize);
  if (bytes <= disk.free) return;
  const need = `${estimated ? 'about ' : ''}${formatBytes(bytes)}`;
  throw new PcamError(
    'DISK_FULL',
    `not enough room in ${folder}: ${need} are needed, ${formatBytes(disk.free)} are free`,
    { ...advise(disk.free), expected: `${bytes} bytes`, found: `${disk.free} bytes` },
  );
}

/** Free bytes for this user on the file system that `folder` is, or will be, on; Infinity where it does not tell. */
export async function freeBytes(folder: string): Promise<number> {
  return diskOf(folder).then(
    ({ free }) => free,
    () => Number.POSITIVE_INFINITY,
  );
}

/** Free bytes for this user, block size and type of the file system that `folder` is, or will be, on. */
async function diskOf(folder: string): Promise<{ free: number; blockSize: number; type: number }> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    try {
      await stat(at);
      const { bavail, bsize, type } = await statfs(at);
      return { free: bavail * bsize, blockSize: bsize, type };
    } catch (error) {
      if (dirname(at) === at) throw error;
    }
  }
}

/** How large one file may be, and why. */
export interface FileSizeLimit {
  readonly bytes: number;
  readonly reason: string;
  readonly hint: string;
}

const MSDOS_SUPER_MAGIC = 0x4d44;
const MAX_FAT_FILE_BYTES = 2 ** 32 - 1;

/** The limit on the size of a file in a folder; Infinity where there is none, or the system does not tell. */
export async function maxFileBytes(folder: string): Promise<FileSizeLimit> {
  const limits: FileSizeLimit[] = [{ bytes: Number.POSITIVE_INFINITY, reason: '', hint: '' }];
  const { type } = (await diskOf(folder).catch(() => undefined)) ?? {};
  if (process.platform === 'linux' && type === MSDOS_SUPER_MAGIC) {
    const hint = 'choose a folder on another file system, such as exFAT';
    limits.push({ bytes: MAX_FAT_FILE_BYTES, reason: 'that is the limit of FAT', hint });
  }
  const text = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const bytes = Number(/^Max file size\s+(\d+)/m.exec(text)?.[1] ?? Number.POSITIVE_INFINITY);
  const hint = 'raise the limit (`ulimit -f unlimited`)';
  limits.push({ bytes, reason: 'that is the limit of this process', hint });
  return limits.reduce((a, b) => (b.bytes < a.bytes ? b : a));
}
