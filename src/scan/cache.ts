/**
 * Scans that are kept in the data set folder, each under the MD5 of the images that it is of, so that nobody reads
 * 7 GB again to hear the same. What is damaged, of another version or of other images is as good as nothing.
 */
import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CHANNELS } from '../core/index.js';
import { openFile, requireOwnFolder, writeFileAtomic } from '../fs/index.js';
import type { SplitName } from '../manifest/index.js';
import { layout } from '../store/index.js';
import { LEVELS, type Scan, SHA1_BYTES } from './types.js';

/** A change here makes every older cache useless. */
const MAGIC = 'pcam scan 1\n';
const HISTOGRAM_BYTES = CHANNELS * LEVELS * Float64Array.BYTES_PER_ELEMENT;
const SEAL = { algorithm: 'sha256', bytes: 32 } as const;

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

/** Head, digests, colours, histograms, and a digest over all of that. */
function headOf({ md5, count }: ScanKey): Buffer {
  return Buffer.from(`${MAGIC}${md5} ${count}\n`);
}

/** `undefined` when there is no scan of these images, or none that can be trusted. */
export async function readScan(key: ScanKey): Promise<Scan | undefined> {
  const { count } = key;
  const head = headOf(key);
  const sizes = [head.length, count * SHA1_BYTES, count, HISTOGRAM_BYTES, HISTOGRAM_BYTES, SEAL.bytes];
  const bytes = await readExactly(
    pathOf(key),
    sizes.reduce((a, b) => a + b),
  ).catch(() => undefined);
  if (!bytes) return undefined;
  const seal = createHash(SEAL.algorithm).update(bytes.subarray(0, -SEAL.bytes)).digest();
  if (!seal.equals(bytes.subarray(-SEAL.bytes)) || !head.equals(bytes.subarray(0, head.length)))
    return undefined;
  let at = head.length;
  const take = (n: number) => {
    at += n;
    return bytes.subarray(at - n, at);
  };
  const sha1 = new Uint8Array(take(count * SHA1_BYTES));
  const uniform = new Uint8Array(take(count));
  const [all, unique] = [numbers(take(HISTOGRAM_BYTES)), numbers(take(HISTOGRAM_BYTES))];
  return { count, sha1, uniform, histograms: { all, unique } };
}

/** Keeps a scan in place of earlier ones of the split. Where the folder cannot be written to, nothing is kept. */
export async function writeScan(key: ScanKey, { sha1, uniform, histograms }: Scan): Promise<void> {
  const path = pathOf(key);
  const body = [headOf(key), sha1, uniform, bytesOf(histograms.all), bytesOf(histograms.unique)];
  const hash = createHash(SEAL.algorithm);
  for (const part of body) hash.update(part);
  try {
    for (const folder of [dirname(dirname(path)), dirname(path)]) await requireOwnFolder(folder);
    await writeFileAtomic(path, Buffer.concat([...body, hash.digest()]));
    for (const name of await readdir(dirname(path))) {
      const old = name.startsWith(`${key.split}-`) && name.endsWith('.scan') && name !== basename(path);
      if (old) await rm(join(dirname(path), name), { force: true });
    }
  } catch {
    // The next call reads the images again.
  }
}

async function readExactly(path: string, bytes: number): Promise<Buffer | undefined> {
  const handle = await openFile(path, { follow: false });
  try {
    if ((await handle.stat()).size !== bytes) return undefined;
    const content = await handle.readFile();
    return content.length === bytes ? content : undefined;
  } finally {
    await handle.close();
  }
}

/** Little-endian, whatever the machine. */
function bytesOf(values: Float64Array): Buffer {
  const bytes = Buffer.alloc(values.byteLength);
  values.forEach((value, i) => void bytes.writeDoubleLE(value, i * Float64Array.BYTES_PER_ELEMENT));
  return bytes;
}

function numbers(bytes: Buffer): Float64Array {
  const step = Float64Array.BYTES_PER_ELEMENT;
  return Float64Array.from({ length: bytes.length / step }, (_, i) => bytes.readDoubleLE(i * step));
}
