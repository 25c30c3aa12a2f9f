/** Which chunks are there, in bytes and by source. */
import { describe, expect, it } from 'vitest';
import { CHUNK_BYTES, ChunkMap } from '#pcam/store/chunks.js';

describe('ChunkMap', () => {
  it('knows how much is there, and how far without a hole', () => {
    const map = new ChunkMap(3 * CHUNK_BYTES + 10);
    expect([map.total, map.lengthOf(0), map.lengthOf(3)]).toEqual([4, CHUNK_BYTES, 10]);
    map.add(3, 'a');
    map.add(1, 'b');
    expect([map.bytes, map.prefix, map.firstMissing, map.complete]).toEqual([CHUNK_BYTES + 10, 0, 0, false]);
    map.add(0, 'a');
    expect([map.bytes, map.prefix, map.firstMissing]).toEqual([2 * CHUNK_BYTES + 10, 2 * CHUNK_BYTES, 2]);
    map.add(2, 'a');
    expect([map.bytes, map.prefix, map.complete]).toEqual([map.size, map.size, true]);
    expect(map.contributions()).toEqual(
      new Map([
        ['a', 2 * CHUNK_BYTES + 10],
        ['b', CHUNK_BYTES],
      ]),
    );
  });

  it('forgets a chunk', () => {
    const map = new ChunkMap(2 * CHUNK_BYTES);
    for (const index of [0, 1]) map.add(index, 'a');
    map.remove(0);
    map.remove(0);
    expect([map.bytes, map.prefix, map.complete, [...map]]).toEqual([CHUNK_BYTES, 0, false, [1]]);
  });

  it('is complete without a chunk where the file is empty, and never while its size is not known', () => {
    expect(new ChunkMap(0).complete).toBe(true);
    const map = new ChunkMap(undefined);
    map.add(0, 'a');
    expect([map.complete, map.bytes, map.prefix]).toEqual([false, CHUNK_BYTES, CHUNK_BYTES]);
    map.size = CHUNK_BYTES;
    expect(map.complete).toBe(true);
  });
});
