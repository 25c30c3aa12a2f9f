/** A subset as h5py and torchvision's PCAM read it. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { subset } from '#pcam/subset.js';
import { makeDataset } from '../support/dataset.js';
import { sharedFolder } from '../support/temp.js';
import { requireTool, runTool } from '../support/tools.js';

const h5py = await requireTool('h5py');
const torchvision = await requireTool('torchvision');
const script = join(import.meta.dirname, 'check_subset.py');

let root: { folder: string; remove: () => Promise<void> };
let data: string;
beforeAll(async () => {
  root = await sharedFolder();
  const { dir, manifest } = await makeDataset({ train: 40, valid: 20, test: 20, root: root.folder });
  data = dir;
  await subset({ dir, manifest, out: join(root.folder, 'pcam'), selection: { perClass: 5, shuffle: true } });
});
afterAll(() => root.remove());

const COUNTS = { train: 10, valid: 10, test: 10 };

describe.skipIf(!h5py)('h5py', () => {
  it('finds every pixel, label and row of the selected patches', async () => {
    expect(JSON.parse(await runTool(h5py!, [script, data, root.folder]))).toEqual(COUNTS);
  });
});

describe.skipIf(!torchvision || !h5py)("torchvision's PCAM", () => {
  it('loads every patch with its label', async () => {
    expect(JSON.parse(await runTool(torchvision!, [script, data, root.folder, 'torchvision']))).toEqual(
      COUNTS,
    );
  });
});
