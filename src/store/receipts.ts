/**
 * Receipts of what was verified: the digests of a file, with size, times and inode at the time. They spare reading
 * 7 GB again to say that nothing has changed; they are never the ground to accept a file that was not read.
 */
import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import {
  makeFolder,
  openFile,
  type RunFolder,
  readSmallFile,
  requireOwnFolder,
  sameFile,
  writeFileAtomic,
} from '../fs/index.js';
import type { Digests } from '../pass/index.js';
import type { Layout } from './layout.js';

const MAX_RECEIPT_BYTES = 64 * 1024;
/** What is read again of a file whose times were restored: a cache can bring it back with holes in it. */
const SAMPLES = 16;
const SAMPLE_BYTES = 4096;

/** A file as its handle saw it when the digests were known. */
export type FileStats = Pick<BigIntStats, 'size' | 'mtimeNs' | 'ctimeNs' | 'ino'>;

interface Receipt {
  version: 2;
  bytes: number;
  /** Times in nanoseconds and the inode, as decimal numbers. */
  mtime: string;
  ctime: string;
  inode: string;
  /** Absent where SHA-256, which proves more, was all that was computed. */
  md5?: string;
  sha256?: string;
  /** Blocks of 512 bytes that the file system had given the file, and CRC-32s of samples; absent where unknown. */
  blocks?: number;
  samples?: number[];
}

export class Receipts {
  readonly #paths: Layout;
  readonly #run: RunFolder | undefined;

  /** @param run the run that holds the lock of the folder; a verification needs none, as what it writes is true anyway */
  constructor(paths: Layout, run?: RunFolder) {
    this.#paths = paths;
    this.#run = run;
  }

  /**
   * The digests that a file had when it was last read, if nothing says that it changed since. A receipt that is
   * damaged or missing is none.
   * @param trust `inode`: size, mtime, ctime and inode must hold, which no copy or edit leaves alone;
   *   `mtime`: size, mtime and samples of the content are enough, as after a backup or a CI cache was restored
   */
  async find(name: string, stats: FileStats, trust: 'inode' | 'mtime'): Promise<Digests | undefined> {
    const receipt = await this.#read(name);
    if (!receipt || receipt.bytes !== Number(stats.size) || receipt.mtime !== String(stats.mtimeNs))
      return undefined;
    const isSame = receipt.ctime === String(stats.ctimeNs) && receipt.inode === String(stats.ino);
    if (!isSame && (trust === 'inode' || !(await this.#samplesHold(name, receipt)))) return undefined;
    return { md5: receipt.md5, sha256: receipt.sha256 };
  }

  /** @param stats of the handle whose bytes were digested, and nothing that a path led to */
  async record(name: string, stats: FileStats, { md5, sha256 }: Digests): Promise<void> {
    if (md5 === undefined && sha256 === undefined) return;
    const receipt: Receipt = {
      version: 2,
      bytes: Number(stats.size),
      mtime: String(stats.mtimeNs),
      ctime: String(stats.ctimeNs),
      inode: String(stats.ino),
      md5,
      sha256,
      ...(await this.#sample(name, stats)),
    };
    await requireOwnFolder(this.#paths.state);
    await requireOwnFolder(this.#paths.receipts);
    await makeFolder(this.#paths.receipts);
    const text = `${JSON.stringify(receipt)}\n`;
    const path = this.#path(name);
    await (this.#run ? this.#run.write(path, text) : writeFileAtomic(path, text));
  }

  #path(name: string): string {
    return join(this.#paths.receipts, `${name}.json`);
  }

  async #read(name: string): Promise<Receipt | undefined> {
    try {
      const text = await readSmallFile(this.#path(name), { maxBytes: MAX_RECEIPT_BYTES, follow: false });
      const receipt: unknown = JSON.parse(text);
      return isReceipt(receipt) ? receipt : undefined;
    } catch {
      return undefined; // then the file is read again
    }
  }

  /** Samples of the file under its final name, if that is still the one that was digested. */
  async #sample(name: string, stats: FileStats): Promise<Pick<Receipt, 'blocks' | 'samples'>> {
    return await this.#withFile(name, async (handle, now) => {
      if (!sameFile(now, stats)) return {};
      return { blocks: Number(now.blocks), samples: await readSamples(handle, Number(now.size)) };
    }).catch(() => ({}));
  }

  async #samplesHold(name: string, { bytes, blocks, samples }: Receipt): Promise<boolean> {
    if (blocks === undefined || samples === undefined) return true;
    return await this.#withFile(name, async (handle, now) => {
      // Fewer blocks than bytes: holes, unless the file system compresses, as it did before.
      const expected = Math.min(blocks, Math.ceil(bytes / 512));
      if (Number(now.size) !== bytes || Number(now.blocks) < expected) return false;
      return String(await readSamples(handle, bytes)) === String(samples);
    }).catch(() => false);
  }

  async #withFile<T>(name: string, read: (handle: FileHandle, stats: BigIntStats) => Promise<T>): Promise<T> {
    const handle = await openFile(this.#paths.final(name));
    try {
      return await read(handle, await handle.stat({ bigint: true }));
    } finally {
      await handle.close();
    }
  }
}

/** CRC-32s of blocks that are spread evenly over a file, the first and the last one among them. */
async function readSamples(handle: FileHandle, size: number): Promise<number[]> {
  const samples: number[] = [];
  const block = Buffer.alloc(SAMPLE_BYTES);
  const last = Math.max(0, size - SAMPLE_BYTES);
  for (let i = 0; i < SAMPLES; i++) {
    const { bytesRead } = await handle.read(block, 0, SAMPLE_BYTES, Math.floor((last * i) / (SAMPLES - 1)));
    samples.push(crc32(block.subarray(0, bytesRead)));
  }
  return samples;
}

function isReceipt(value: unknown): value is Receipt {
  const { version, bytes, mtime, ctime, inode, md5, sha256, blocks, samples } = (value ?? {}) as Record<
    string,
    unknown
  >;
  return (
    version === 2 &&
    Number.isSafeInteger(bytes) &&
    [mtime, ctime, inode].every((field) => typeof field === 'string') &&
    [md5, sha256].every((digest) => digest === undefined || typeof digest === 'string') &&
    (md5 ?? sha256) !== undefined &&
    (blocks === undefined || typeof blocks === 'number') &&
    (samples === undefined || Array.isArray(samples))
  );
}
