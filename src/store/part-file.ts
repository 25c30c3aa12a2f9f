/** An open part: the bytes of a file that are already there, on the disk and in the journal. */
import { type FileHandle, stat } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { fsError, systemCode, throwIfAborted } from '../core/index.js';
import { type FileIdentity, writeAll } from '../fs/index.js';
import type { DatasetFile } from '../manifest/index.js';
import type { OpenPart } from './part.js';
import { checkRanges } from './part-check.js';
import type { JournalContent, JournalRange, PartJournal } from './part-journal.js';
import { RangeSet } from './range-set.js';

/** Bytes that one line of the journal speaks for: what a crash can cost a connection. */
export const BLOCK = 1024 * 1024;

/** The source id of bytes that were found on the disk. */
export const IMPORTED = 'import';

interface PartState {
  path: string;
  file: DatasetFile;
  handle: FileHandle;
  journal: PartJournal;
  /** What the journal claims, and a look at the bytes confirmed. */
  content: JournalContent;
}

export class PartFile implements OpenPart {
  readonly path: string;
  readonly done: RangeSet;
  size: number | undefined;
  readonly resumed: number;
  onWritten: () => void = () => {};

  readonly #handle: FileHandle;
  readonly #journal: PartJournal;
  readonly #ranges: JournalRange[];
  readonly #validators: Map<string, string>;

  /** Made by OwnedPartStore alone. */
  constructor({ path, file, handle, journal, content }: PartState) {
    this.path = path;
    this.#handle = handle;
    this.#journal = journal;
    this.#ranges = content.ranges;
    this.#validators = content.validators;
    this.done = new RangeSet(content.ranges);
    // A size that was learned from a source is a claim like any other. Only a part that is whole by it keeps it, for
    // the digest to judge; else a wrong one would keep out every source that has the right one.
    this.size = file.bytes ?? (content.size === this.done.prefix ? content.size : undefined);
    this.resumed = this.done.size;
  }

  get complete(): boolean {
    return this.size !== undefined && this.done.prefix === this.size;
  }

  /** The part has a place for every byte of the file. */
  hasRoom(): boolean {
    return true;
  }

  release(): void {}

  /** Writes bytes, then the journal's line for them. */
  async write(start: number, bytes: Uint8Array, source: string): Promise<void> {
    try {
      await writeAll(this.#handle, bytes, start);
      const range = { start, end: start + bytes.length, crc: crc32(bytes), source };
      await this.#journal.addRange(range);
      this.#ranges.push(range);
      this.done.add(range);
    } catch (error) {
      throw fsError(error, `writing the partial download ${this.path}`);
    }
    this.onWritten();
  }

  /** Takes over bytes that are already written below `end`, such as another tool's partial download. */
  async claim(end: number, source: string, signal: AbortSignal): Promise<void> {
    const block = Buffer.allocUnsafe(BLOCK);
    for (let start = 0; start < end; ) {
      throwIfAborted(signal);
      const { bytesRead } = await this.#handle.read(block, 0, Math.min(BLOCK, end - start), start);
      if (bytesRead === 0) return;
      const range = { start, end: start + bytesRead, crc: crc32(block.subarray(0, bytesRead)), source };
      await this.#journal.addRange(range);
      this.#ranges.push(range);
      this.done.add(range);
      start += bytesRead;
    }
  }

  async setSize(size: number): Promise<void> {
    if (this.size === size) return;
    this.size = size;
    await this.#journal.addSize(size).catch((error) => {
      throw fsError(error, `writing the journal of ${this.path}`);
    });
  }

  validatorOf(source: string): string | undefined {
    return this.#validators.get(source);
  }

  async setValidator(source: string, validator: string): Promise<void> {
    this.#validators.set(source, validator);
    await this.#journal.addValidator(source, validator).catch((error) => {
      throw fsError(error, `writing the journal of ${this.path}`);
    });
  }

  contributions(): Map<string, number> {
    const sums = new Map<string, number>();
    for (const { start, end, source } of this.#ranges)
      sums.set(source, (sums.get(source) ?? 0) + end - start);
    return sums;
  }

  async close(): Promise<void> {
    await this.#journal.close();
    await this.#handle.close();
  }

  /** Flushes the part, and tells what the file is that is open here. */
  async settle(): Promise<FileIdentity> {
    try {
      await this.#handle.sync();
      return await this.#handle.stat({ bigint: true });
    } catch (error) {
      throw fsError(error, `flushing the partial download ${this.path}`);
    }
  }

  async intact(): Promise<boolean> {
    return isSamePlace(this.#handle, this.path, this.size);
  }

  /** True when what is on the disk is still what was written: reads all of it again. */
  async unchanged(signal?: AbortSignal): Promise<boolean> {
    try {
      return (await checkRanges(this.#handle, this.#ranges, { signal })).length === this.#ranges.length;
    } catch (error) {
      throwIfAborted(signal);
      throw fsError(error, `reading the partial download ${this.path}`);
    }
  }
}

/** True while `path` names the file that is open here, with at least `size` bytes in it. */
export async function isSamePlace(handle: FileHandle, path: string, size = 0): Promise<boolean> {
  try {
    const [mine, there] = await Promise.all([handle.stat(), stat(path)]);
    return mine.ino === there.ino && mine.dev === there.dev && there.size >= size;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}
