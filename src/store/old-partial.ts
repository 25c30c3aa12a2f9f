/**
 * Takes over a partial download of version 0.2, once: `parts/NAME.part`, and `parts/NAME.journal` with a line
 * `r start end crc32 source` per range. Chunks of ranges whose checksum still holds stay; the rest is forgotten.
 */
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { throwIfAborted } from '../core/index.js';
import { openFile, readSmallFile, removeIfEmpty, requireOwnFolder } from '../fs/index.js';
import type { DatasetFile } from '../manifest/index.js';
import { CHUNK_BYTES, ChunkMap, IMPORTED } from './chunks.js';
import type { OwnedLayout } from './layout.js';
import { type Claims, createPartial, MAX_JOURNAL_BYTES, readWhole } from './partial.js';

/** Version 0.2 wrote a line per MiB. */
const MAX_RANGE_BYTES = 16 * 1024 * 1024;

export async function takeOverOldPartial(
  file: DatasetFile,
  { state, partial, run }: OwnedLayout,
): Promise<void> {
  const old = join(state, 'parts');
  const [path, journal] = [join(old, `${file.name}.part`), join(old, `${file.name}.journal`)];
  await requireOwnFolder(old);
  const handle = await openFile(path, { follow: false }).catch(() => undefined);
  if (!handle) return;
  const map = new ChunkMap(file.bytes);
  const chunks: Claims['chunks'] = new Map();
  try {
    /** Right bytes by chunk. */
    const right = new Map<number, number>();
    const read = async (start: number, end: number) => {
      throwIfAborted(run.signal);
      const bytes = Buffer.allocUnsafe(end - start);
      return (await readWhole(handle, bytes, start)) ? crc32(bytes) : undefined;
    };
    let last = 0;
    for (const { start, end, crc } of await readRanges(journal, file)) {
      if (start < last || (await read(start, end)) !== crc) continue;
      last = end;
      for (let at = start, index = Math.floor(at / CHUNK_BYTES); at < end; at = ++index * CHUNK_BYTES) {
        const bytes = Math.min(end, (index + 1) * CHUNK_BYTES) - at;
        right.set(index, (right.get(index) ?? 0) + bytes);
      }
    }
    for (const [index, bytes] of right) {
      const start = index * CHUNK_BYTES;
      if (bytes === map.lengthOf(index))
        chunks.set(index, { crc: (await read(start, start + bytes))!, source: IMPORTED });
    }
  } finally {
    await handle.close();
  }
  if (chunks.size > 0) await rename(path, await createPartial(file, { folder: partial, run, chunks }));
  await run.remove(journal);
  await run.remove(path);
  await removeIfEmpty([old]);
}

async function readRanges(path: string, { name, md5, bytes }: DatasetFile) {
  const options = { maxBytes: MAX_JOURNAL_BYTES, follow: false };
  const [first, ...lines] = (await readSmallFile(path, options).catch(() => '')).split('\n');
  if (bytes === undefined || first !== JSON.stringify({ pcam: 1, name, md5, bytes })) return [];
  const ranges = lines.flatMap((line) => {
    const [, start, end, crc] = /^r (\d{1,15}) (\d{1,15}) ([0-9a-f]{1,8}) \S{1,80}$/.exec(line) ?? [];
    return crc === undefined
      ? []
      : [{ start: Number(start), end: Number(end), crc: Number.parseInt(crc, 16) }];
  });
  const isPossible = ({ start, end }: { start: number; end: number }) =>
    start < end && end <= bytes && end - start <= MAX_RANGE_BYTES;
  return ranges.filter(isPossible).sort((a, b) => a.start - b.start);
}
