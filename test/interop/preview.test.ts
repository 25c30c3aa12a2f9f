/** A contact sheet as PIL reads it: every patch at the place that the document tells. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { preview } from '#pcam/explore/preview/preview.js';
import { makeDataset, type TestDataset } from '../support/dataset.js';
import { sharedFolder } from '../support/temp.js';
import { requireTool, runTool } from '../support/tools.js';

const pil = await requireTool('pil');

let root: { folder: string; remove: () => Promise<void> };
let data: TestDataset;
beforeAll(async () => {
  root = await sharedFolder();
  data = await makeDataset({ train: 60, valid: 20, test: 20, root: root.folder });
});
afterAll(() => root.remove());

describe.skipIf(!pil)('PIL', () => {
  it.each([1, 2, 5])('finds every patch and its box at scale %s', async (scale) => {
    const out = join(root.folder, `sheet-${scale}.png`);
    const result = await preview({ dir: data.dir, manifest: data.manifest, out, scale });
    const document = join(root.folder, 'document.json');
    await writeFile(document, JSON.stringify(result));
    const script = join(import.meta.dirname, 'check_preview.py');
    expect(await runTool(pil!, [script, data.dir, out, document, String(scale)])).toBe('32\n');
  });
});
