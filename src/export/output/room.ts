/** Is there room on the disk, before a shard is written? */
import { statfs } from 'node:fs/promises';
import { formatBytes, PcamError } from '../../core/index.js';
import { freeBytes } from '../../fs/index.js';

/**
 * @param out the output folder, which exists
 * @param bytesNeeded estimate, given the size of the blocks that the disk hands out
 * @throws PcamError DISK_FULL
 */
export async function requireRoom(out: string, bytesNeeded: (blockSize: number) => number): Promise<void> {
  let free: number;
  let needed: number;
  try {
    free = await freeBytes(out);
    needed = bytesNeeded((await statfs(out)).bsize);
  } catch {
    return; // a file system that does not tell is given a try
  }
  if (needed <= free) return;
  throw new PcamError(
    'DISK_FULL',
    `not enough room in ${out}: about ${formatBytes(needed)} are needed, ${formatBytes(free)} are free`,
    {
      hint: 'nothing was written; make room, choose another folder, or export less',
      options: ['out', 'splits', 'crop'],
      expected: `${needed} bytes`,
      found: `${free} bytes`,
    },
  );
}
