/** The sum of all patches of each class, against adding them up one by one. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openSplit } from '#pcam/dataset/split.js';
import { classSums } from '#pcam/scan/class-sums.js';
import { makeDataset } from '../support/dataset.js';
import { pcamError } from '../support/outcome.js';

it('is exact, for more patches than a word holds, and kept until images or labels change', async () => {
  const { dir, manifest } = await makeDataset({ train: 600 });
  const split = await openSplit({ dir, manifest, split: 'train' });
  const pixels = split.readPatches(0, split.count);
  const expected = [0, 1].map(() => new Float64Array(27_648));
  for (let i = 0; i < pixels.length; i++)
    expected[split.labels[Math.floor(i / 27_648)]!]![i % 27_648]! += pixels[i]!;
  const request = { dir, manifest, split: 'train', md5: 'a'.repeat(32), labels: split.labels } as const;
  expect(await classSums(request)).toEqual(expected);

  const tasks: string[] = [];
  const again = (changes: object) =>
    classSums({ ...request, ...changes, onEvent: ({ type }) => void tasks.push(type) });
  expect(await again({})).toEqual(expected);
  expect(tasks).toEqual([]);
  await again({ labels: split.labels.map((label) => 1 - label) });
  await again({ md5: 'b'.repeat(32) });
  expect(tasks.filter((type) => type === 'begin')).toHaveLength(2);

  // Damage is noticed.
  const folder = join(dir, '.pcam', 'scans');
  const [name] = await readdir(folder);
  const bytes = await readFile(join(folder, name!));
  bytes[5000]! ^= 1;
  await writeFile(join(folder, name!), bytes);
  expect(await again({ md5: 'b'.repeat(32) })).toEqual(expected);
  split.close();
});

it('stops on abort', async () => {
  const { dir, manifest } = await makeDataset();
  const request = { dir, manifest, split: 'train', md5: '', labels: new Uint8Array(12) } as const;
  expect(await pcamError(classSums({ ...request, signal: AbortSignal.abort() }))).toMatchObject({
    code: 'ABORTED',
  });
});
