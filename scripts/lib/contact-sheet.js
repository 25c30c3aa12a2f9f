/** The contact sheet of the README, and the data that it and the report's screenshot are made from. */
import { join } from 'node:path';
import { createFixture, download, preview } from '../../dist/index.js';

export async function makeData(work) {
  const { manifest } = await createFixture({ dir: join(work, 'served'), train: 1024, valid: 256, test: 256 });
  const dir = join(work, 'pcam');
  await download({ dir, manifest });
  return { dir, manifest };
}

export async function drawSheet(data, out) {
  await preview({ ...data, out, rows: 2, cols: 8, scale: 1 });
}
