/** Changes a test data set behind pcam's back: what its files say is no longer what the manifest says. */
import { open } from 'node:fs/promises';
import type { SplitName } from '#pcam/manifest/types.js';
import type { TestDataset } from './dataset.js';

const PATCH = 27_648;
/** Where the array of a fixture's file begins. */
const DATA = 2048;

export interface Edit {
  split: SplitName;
  index: number;
  /** Pixels, or a colour for all of them. */
  pixels?: Uint8Array | readonly [number, number, number];
  label?: 0 | 1;
}

export async function edit({ path }: TestDataset, edits: readonly Edit[]): Promise<void> {
  for (const { split, index, pixels, label } of edits) {
    if (pixels) {
      const bytes =
        pixels.length === PATCH
          ? (pixels as Uint8Array)
          : Uint8Array.from({ length: PATCH }, (_, i) => pixels[i % 3]!);
      await write(path(split, 'images'), bytes, DATA + index * PATCH);
    }
    if (label !== undefined) await write(path(split, 'labels'), Uint8Array.of(label), DATA + index);
  }
}

async function write(file: string, bytes: Uint8Array, at: number): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.write(bytes, 0, bytes.length, at);
  } finally {
    await handle.close();
  }
}
