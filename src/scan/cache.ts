/**
 * Scans cached in the data set folder, each under the MD5 of the images that it is of, so that nothing reads
 * 7 GB again for the same result. What is damaged, of another version or of other images counts as missing.
 */
import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { endianness } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { CHANNELS } from '../core/index.js';
import { openFile, requireOwnFolder, writeFileAtomic } from '../fs/index.js';
import type { SplitName } from '../manifest/index.js';
import { layout } from '../store/index.js';
import { COLUMN_BYTES, LEVELS, makeColumns, type Scan } from './types.js';

/** A change here makes every older cache useless. */
const MAGIC = `pcam scan 2 ${endianness()}\n`;
const HISTOGRAM_BYTES = CHANNELS * LEVELS * Float64Array.BYTES_PER_ELEMENT;
/** Every cache file ends with the SHA-256 of what is before it. */
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

function headOf({ md5, count }: ScanKey): Buffer {
  return Buffer.from(`${MAGIC}${md5} ${count}\n`);
}

/** `undefined` when there is no scan of these images, or none that can be trusted. */
export async function readScan(key: ScanKey): Promise<Scan | undefined> {
  const { count } = key;
  const body = await readSealed(pathOf(key), headOf(key), count * COLUMN_BYTES + 2 * HISTOGRAM_BYTES);
  if (!body) return undefined;
  let at = 0;
  const take = (bytes: number) => {
    at += bytes;
    return new Uint8Array(body.subarray(at - bytes, at)).buffer;
  };
  const columns = makeColumns(count, take);
  const all = new Float64Array(take(HISTOGRAM_BYTES));
  const unique = new Float64Array(take(HISTOGRAM_BYTES));
  return { count, ...columns, histograms: { all, unique } };
}

/** Keeps a scan in place of earlier ones of the split. Where the folder cannot be written to, nothing is kept. */
export async function writeScan(key: ScanKey, scan: Scan): Promise<void> {
  const path = pathOf(key);
  const { sha1, uniform, brightness, saturation, tissue, histograms } = scan;
  const body = [sha1, uniform, brightness, saturation, tissue, histograms.all, histograms.unique];
  try {
    await writeSealed(path, headOf(key), body);
    for (const name of await readdir(dirname(path))) {
      const old = name.startsWith(`${key.split}-`) && name.endsWith('.scan') && name !== basename(path);
      if (old) await rm(join(dirname(path), name), { force: true });
    }
  } catch {
    // The next call reads the images again.
  }
}

/** The body of a file that has this head and so many bytes after it; `undefined` when there is no such file. */
export async function readSealed(path: string, head: Buffer, bytes: number): Promise<Buffer | undefined> {
  const whole = await readExactly(path, head.length + bytes + SEAL.bytes).catch(() => undefined);
  if (!whole) return undefined;
  const seal = createHash(SEAL.algorithm).update(whole.subarray(0, -SEAL.bytes)).digest();
  if (!seal.equals(whole.subarray(-SEAL.bytes)) || !head.equals(whole.subarray(0, head.length)))
    return undefined;
  return whole.subarray(head.length, -SEAL.bytes);
}

/** Writes one, in a folder below pcam's own state folder. @throws what the file system says */
export async function writeSealed(
  path: string,
  head: Buffer,
  body: readonly NodeJS.TypedArray[],
): Promise<void> {
  const parts = body.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength));
  const hash = createHash(SEAL.algorithm).update(head);
  for (const part of parts) hash.update(part);
  for (const folder of [dirname(dirname(path)), dirname(path)]) await requireOwnFolder(folder);
  await writeFileAtomic(path, Buffer.concat([head, ...parts, hash.digest()]));
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
