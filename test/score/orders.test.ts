/** The usual orders, against what TFDS and tf.data themselves do. */
import { describe, expect, it } from 'vitest';
import { ordersOf } from '#pcam/score/orders.js';
import { selectPatches } from '#pcam/selection/index.js';
import { makeDataset } from '../support/dataset.js';

function order(name: RegExp, split: 'train' | 'valid' | 'test', labels: Uint8Array): Uint32Array {
  for (const one of ordersOf(split, labels)) if (name.test(one.name)) return one.patches;
  throw new Error(`no order ${name}`);
}

it('is always of all patches', () => {
  const labels = Uint8Array.from({ length: 5000 }, (_, i) => (i % 3) & 1);
  for (const { patches } of ordersOf('test', labels)) {
    expect([...patches].sort((a, b) => a - b)).toEqual([...labels.keys()]);
  }
});

describe('file names', () => {
  it('sort as text', () => {
    const names = Array.from({ length: 1234 }, (_, i) => `test_${i}.png`).sort();
    expect(Array.from(order(/^file names/, 'test', new Uint8Array(1234)), (i) => `test_${i}.png`)).toEqual(
      names,
    );
  });

  it('come class by class', () => {
    const labels = Uint8Array.from({ length: 12 }, (_, i) => i & 1);
    expect([...order(/^class folders, /, 'test', labels)]).toEqual([0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11]);
    expect([...order(/^class folders with/, 'test', labels)]).toEqual([0, 10, 2, 4, 6, 8, 1, 11, 3, 5, 7, 9]);
  });
});

describe('TFDS', () => {
  it.each<['train' | 'valid' | 'test', number, number[]]>([
    ['train', 262_144, [251464, 132287, 133786, 86259, 230288, 147029, 25346, 233085, 61402, 72893]],
    ['valid', 32_768, [3270, 10310, 20603, 11608, 13337, 4338, 11223, 31659, 3437, 20479]],
    ['test', 32_768, [11072, 27274, 8313, 19564, 19753, 10817, 24702, 7490, 19337, 24613]],
  ])('has the records of %s on the disk in this order', (split, count, first) => {
    const patches = order(/on the disk/, split, new Uint8Array(count));
    expect([...patches.subarray(0, 10)]).toEqual(first);
    if (split === 'train') expect(patches.subarray(0, 800).reduce((a, b) => a + b, 0)).toBe(104253048);
  });

  it('reads 16 records of each of 16 files in turn', () => {
    const labels = new Uint8Array(17 * 4096);
    const disk = order(/on the disk/, 'train', labels);
    const read = order(/tfds\.load/, 'train', labels);
    const at = (file: number, record: number) => disk[file * 4096 + record];
    expect(read[15]).toBe(at(0, 15));
    expect(read[16]).toBe(at(1, 0));
    expect(read[256]).toBe(at(0, 16));
    expect(read[16 * 4096]).toBe(at(16, 0));
  });

  it('cuts other numbers of records at rounded places', () => {
    const labels = new Uint8Array(4100);
    const disk = order(/on the disk/, 'test', labels);
    const read = order(/tfds\.load/, 'test', labels);
    expect([read[0], read[16], read[32]]).toEqual([disk[0], disk[2050], disk[16]]);
    // The last two of each file.
    expect([...read.subarray(4096)]).toEqual([disk[2048], disk[2049], disk[4098], disk[4099]]);
  });
});

it('a shuffled export is what --shuffle writes with seed 0', async () => {
  const data = await makeDataset({ train: 30 });
  const [train] = await selectPatches({ ...data, splits: ['train'], selection: { shuffle: true } });
  expect(order(/shuffled/, 'train', new Uint8Array(30))).toEqual(train!.indices);
});
