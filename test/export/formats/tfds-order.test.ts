/** TFDS's order and shards, against vectors from its own builder at full size. */
import { describe, expect, it } from 'vitest';
import { tfdsOrder, tfdsShardStart } from '#pcam/export/formats/tfds-order.js';

const upTo = (n: number) => Uint32Array.from({ length: n }, (_, index) => index);
const numbers = (text: string) => text.split(' ').map(Number);
const sum = (values: Uint32Array) => values.reduce((a, b) => a + b, 0);

describe("the order of TFDS's own records", () => {
  it.each([
    ['train', 262_144, '251464 132287 133786 86259 230288 147029 25346 233085 61402 72893', 800, 104_253_048],
    ['valid', 32_768, '3270 10310 20603 11608 13337 4338 11223 31659 3437 20479', 200, 3_417_930],
    ['test', 32_768, '11072 27274 8313 19564 19753 10817 24702 7490 19337 24613', 0, 0],
  ] as const)('of %s', (split, patches, first, n, total) => {
    const order = tfdsOrder(split, upTo(patches));
    expect([...order.subarray(0, 10)]).toEqual(numbers(first));
    expect(sum(order.subarray(0, n))).toBe(total);
    expect(order.slice().sort()).toEqual(upTo(patches));
  });

  it('of some patches is that of all, without the others', () => {
    const some = Uint32Array.from(upTo(500).filter((index) => index % 7 === 0));
    const order = tfdsOrder('train', upTo(500)).filter((index) => index % 7 === 0);
    expect(tfdsOrder('train', some)).toEqual(order);
  });
});

describe('the shards', () => {
  it('are of 4,096 records at full size', () => {
    for (const [patches, of] of [
      [262_144, 64],
      [32_768, 8],
    ] as const) {
      for (let number = 0; number <= of; number++)
        expect(tfdsShardStart(patches, number, of)).toBe(number * 4096);
    }
  });

  it('are cut where Python rounds half to even', () => {
    const starts = (patches: number, of: number) =>
      Array.from({ length: of + 1 }, (_, number) => tfdsShardStart(patches, number, of));
    expect(starts(5, 2)).toEqual([0, 2, 5]);
    expect(starts(7, 2)).toEqual([0, 4, 7]);
    expect(starts(10, 4)).toEqual([0, 2, 5, 8, 10]);
    expect(starts(10, 3)).toEqual([0, 3, 7, 10]);
  });
});
