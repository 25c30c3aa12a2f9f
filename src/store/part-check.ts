/** Reads back what a part's journal claims: only ranges whose checksum still holds count. */
import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { type ByteRange, throwIfAborted } from '../core/index.js';
import type { JournalRange } from './part-journal.js';
import { RangeSet } from './range-set.js';

const READ = 1024 * 1024;

/**
 * No journal of pcam claims more: every byte once, but for what a crash tore, in as many pieces as there were
 * requests at once. Without these bounds a made-up journal would have the part read without end.
 */
const MOST_CLAIMED = 3;
const MOST_PIECES = 4096;

export async function checkRanges(
  handle: FileHandle,
  claimed: readonly JournalRange[],
  { signal, onCheck }: { signal?: AbortSignal; onCheck?: (bytes: number, of: number) => void },
): Promise<JournalRange[]> {
  const { size } = await handle.stat();
  let checked = 0;
  const of = claimed.reduce((sum, range) => sum + range.end - range.start, 0);
  const block = Buffer.allocUnsafe(READ);
  const right: JournalRange[] = [];
  for (const range of claimed) {
    throwIfAborted(signal);
    if (range.end > size) continue;
    checked += range.end - range.start;
    if (checked > size * MOST_CLAIMED) break;
    if ((await crcOf(handle, range, block)) === range.crc) right.push(range);
    onCheck?.(checked, of);
  }
  return new RangeSet(right).ranges.length > MOST_PIECES ? [] : right;
}

async function crcOf(handle: FileHandle, { start, end }: ByteRange, block: Buffer): Promise<number> {
  let crc = 0;
  for (let at = start; at < end; ) {
    const { bytesRead } = await handle.read(block, 0, Math.min(block.length, end - at), at);
    if (bytesRead === 0) return -1;
    crc = crc32(block.subarray(0, bytesRead), crc);
    at += bytesRead;
  }
  return crc;
}
