/** The threads of a scan together: every patch once, whoever reads it. */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { DigestTable, tableBytes } from '#pcam/scan/digest-table.js';
import { PairCounter } from '#pcam/scan/pair-counter.js';
import { scanImages } from '#pcam/scan/scan.js';
import { makeDataset } from '../support/dataset.js';
import { edit } from '../support/edit.js';
import { pcamError } from '../support/outcome.js';
import { channelReference, readReference } from '../support/reference.js';

const never = new AbortController().signal;

it('finds the same with any number of threads', async () => {
  const data = await makeDataset({ valid: 1400 });
  const { patches } = await readReference({ ...data, split: 'valid' });
  const copies = [5, 700, 1399].map((index) => ({ split: 'valid' as const, index, pixels: patches[1]! }));
  await edit(data, copies);
  const file = data.path('valid', 'images');
  const request = { file, path: 'x', count: 1400, signal: never };
  const [one, two] = [
    await scanImages({ ...request, workers: 1 }),
    await scanImages({ ...request, workers: 2 }),
  ];
  expect(two).toEqual(one);
  for (const { index, pixels } of copies) patches[index] = pixels;
  const sha1 = patches.map((patch) => createHash('sha1').update(patch).digest('hex'));
  expect(Buffer.from(one.sha1).toString('hex')).toBe(sha1.join(''));
  const unique = patches.filter((_, i) => sha1.indexOf(sha1[i]!) === i);
  // The fixture plants repeats of its own.
  expect(unique.length).toBeLessThanOrEqual(1397);
  for (const [some, histogram] of [
    [patches, one.histograms.all],
    [unique, one.histograms.unique],
  ] as const) {
    for (const channel of [0, 1, 2]) {
      expect([...histogram.subarray(channel * 256, (channel + 1) * 256)]).toEqual(
        channelReference(some, channel).histogram,
      );
    }
  }
});

it('measures brightness, saturation and tissue of each patch', async () => {
  const data = await makeDataset({ valid: 6 });
  const { patches } = await readReference({ ...data, split: 'valid' });
  const black = new Uint8Array(27_648);
  const glass = Uint8Array.from({ length: 27_648 }, (_, i) => [230, 210, 220][i % 3]!);
  await edit(data, [
    { split: 'valid', index: 1, pixels: black },
    { split: 'valid', index: 2, pixels: glass },
  ]);
  patches.splice(1, 2, black, glass);
  const file = data.path('valid', 'images');
  const scan = await scanImages({ file, path: 'x', count: 6, workers: 1, signal: never });
  patches.forEach((patch, index) => {
    let [sum, saturation, tissue] = [0, 0, 0];
    for (let i = 0; i < patch.length; i += 3) {
      const [max, min] = [Math.max(...patch.subarray(i, i + 3)), Math.min(...patch.subarray(i, i + 3))];
      sum += patch[i]! + patch[i + 1]! + patch[i + 2]!;
      saturation += max === 0 ? 0 : (max - min) / max;
      tissue += Number(max - min > 20);
    }
    expect(scan.brightness[index]).toBe(Math.fround(sum / 27_648));
    expect(scan.saturation[index]).toBeCloseTo(saturation / 9216, 4);
    expect(scan.tissue[index]).toBe(Math.fround(tissue / 9216));
  });
  expect(scan.tissue[2]).toBe(0);
});

it('ends with the error of a thread, or the abort', async () => {
  const data = await makeDataset();
  const request = { file: data.path('valid', 'labels'), path: 'x', count: 6, workers: 1 };
  expect((await pcamError(scanImages({ ...request, signal: never }))).code).toBe('BAD_HDF5');
  expect((await pcamError(scanImages({ ...request, signal: AbortSignal.abort() }))).code).toBe('ABORTED');
});

it('counts pixels byte by byte', () => {
  const patch = Uint8Array.from({ length: 27_648 }, (_, i) => (i * i + (i >> 3)) & 255);
  const counter = new PairCounter();
  counter.add(new Uint32Array(patch.buffer), 0);
  for (const channel of [0, 1, 2]) {
    expect([...counter.takeHistogram().subarray(channel * 256, (channel + 1) * 256)]).toEqual(
      channelReference([patch], channel).histogram,
    );
  }
});

it('distinguishes digests that fall into one slot', () => {
  const sha1 = new Uint8Array(60);
  sha1[59] = 1;
  const table = new DigestTable({ table: new SharedArrayBuffer(tableBytes(3)), sha1 });
  expect([0, 1, 2].map((patch) => table.enter(patch))).toEqual([0, 0, 2]);
});
