/**
 * Scans cached in the data set folder, each under the MD5 of the images that it is of, so that nothing reads
 * 7 GB again for the same result. What is damaged, of another version or of other images counts as missing.
 */
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CHANNELS } from '../core/index.js';
import type { SplitName } from '../manifest/index.js';
import { layout } from '../store/index.js';
import { bytesOf, numbersOf, readSealed, writeSealed } from './sealed-file.js';
import { LEVELS, type Scan, SHA1_BYTES } from './types.js';

/** A change here makes every older cache useless. */
const MAGIC = 'pcam scan 1\n';
const HISTOGRAM_BYTES = CHANNELS * LEVELS * Float64Array.BYTES_PER_ELEMENT;

export interface ScanKey {
  dir: string;
  split: SplitName;
  /** MD5 of the images. */
  md5: string;
  /** Number of patches that they have. */
  count: number;
}

function pathOf({ dir, split, md5 }: ScanKey): string {
  return join(layout(dir).scans, `${split}-${md5}.scan`);
}

function headOf({ md5, count }: ScanKey): Buffer {
  return Buffer.from(`${MAGIC}${md5} ${count}\n`);
}

/** `undefined` when there is no scan of these images, or none that can be trusted. */
export async function readScan(key: ScanKey): Promise<Scan | undefined> {
  const { count } = key;
  const body = await readSealed(pathOf(key), headOf(key), count * (SHA1_BYTES + 1) + 2 * HISTOGRAM_BYTES);
  if (!body) return undefined;
  let at = 0;
  const take = (n: number) => {
    at += n;
    return body.subarray(at - n, at);
  };
  const sha1 = new Uint8Array(take(count * SHA1_BYTES));
  const uniform = new Uint8Array(take(count));
  const [all, unique] = [numbersOf(take(HISTOGRAM_BYTES)), numbersOf(take(HISTOGRAM_BYTES))];
  return { count, sha1, uniform, histograms: { all, unique } };
}

/** Keeps a scan in place of earlier ones of the split. Where the folder cannot be written to, nothing is kept. */
export async function writeScan(key: ScanKey, { sha1, uniform, histograms }: Scan): Promise<void> {
  const path = pathOf(key);
  try {
    await writeSealed(path, headOf(key), [
      sha1,
      uniform,
      bytesOf(histograms.all),
      bytesOf(histograms.unique),
    ]);
    for (const name of await readdir(dirname(path))) {
      const old = name.startsWith(`${key.split}-`) && name.endsWith('.scan') && name !== basename(path);
      if (old) await rm(join(dirname(path), name), { force: true });
    }
  } catch {
    // The next call reads the images again.
  }
}
