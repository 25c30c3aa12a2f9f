/** A part file: the bytes of a file that are already there, on the disk and in the journal. */
import { constants, copyFile, type FileHandle, mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { type ByteRange, fsError, PcamError, systemCode, throwIfAborted } from '../core/index.js';
import type { DatasetFile } from '../manifest/index.js';
import type { Layout } from './layout.js';
import { Journal, type JournalContent, type JournalRange } from './part-journal.js';
import { RangeSet } from './range-set.js';

/** Bytes that one line of the journal speaks for: what a crash can cost a connection. */
export const BLOCK = 1024 * 1024;

/** The source id of bytes that were found on the disk. */
export const IMPORTED = 'import';

export class PartFile {
  readonly path: string;
  readonly done: RangeSet;
  /** Size of the whole file, from the manifest or learned from a source. */
  size: number | undefined;
  /** Bytes that an earlier run left and that stood the check. */
  resumed = 0;
  /** Called whenever bytes were added. */
  onGrow: () => void = () => {};

  readonly #handle: FileHandle;
  readonly #journal: Journal;
  readonly #ranges: JournalRange[];
  readonly #validators: Map<string, string>;

  private constructor(
    path: string,
    file: DatasetFile,
    handle: FileHandle,
    journal: Journal,
    content: JournalContent,
  ) {
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

  /**
   * Opens the part of a file, new or left by an earlier run. Every range that the journal claims is read back and
   * compared with its checksum; what does not agree is forgotten, and only that.
   */
  static async open(
    file: DatasetFile,
    paths: Layout,
    { signal, onCheck }: { signal?: AbortSignal; onCheck?: (bytes: number, of: number) => void } = {},
  ): Promise<PartFile> {
    const path = paths.part(file.name);
    const journalPath = paths.journal(file.name);
    let handle: FileHandle | undefined;
    try {
      await mkdir(dirname(path), { recursive: true });
      const claimed = await Journal.read(journalPath, file);
      handle = await openOwn(path);
      const ranges = await checkRanges(handle, claimed.ranges, { signal, onCheck });
      const content = { ...claimed, ranges };
      const journal = await Journal.create(journalPath, file, content);
      return new PartFile(path, file, handle, journal, content);
    } catch (error) {
      await handle?.close();
      if (signal?.aborted) throw error;
      throw fsError(error, `opening the partial download ${path}`);
    }
  }

  /** What is missing below the known size; everything from the prefix on while the size is unknown. */
  missing(): ByteRange[] {
    return this.done.gaps({ start: 0, end: this.size ?? Number.POSITIVE_INFINITY });
  }

  get complete(): boolean {
    return this.size !== undefined && this.done.prefix === this.size;
  }

  /** Writes bytes, then the journal's line for them. `bytes` may be used again once this resolves. */
  async write(start: number, bytes: Uint8Array, source: string): Promise<void> {
    try {
      let written = 0;
      while (written < bytes.length) {
        const { bytesWritten } = await this.#handle.write(
          bytes,
          written,
          bytes.length - written,
          start + written,
        );
        written += bytesWritten;
      }
      const range = { start, end: start + bytes.length, crc: crc32(bytes), source };
      await this.#journal.addRange(range);
      this.#ranges.push(range);
      this.done.add(range);
    } catch (error) {
      throw fsError(error, `writing the partial download ${this.path}`);
    }
    this.onGrow();
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

  /** The validator that this source's copy had when its bytes were taken. */
  validatorOf(source: string): string | undefined {
    return this.#validators.get(source);
  }

  async setValidator(source: string, validator: string): Promise<void> {
    this.#validators.set(source, validator);
    await this.#journal.addValidator(source, validator).catch((error) => {
      throw fsError(error, `writing the journal of ${this.path}`);
    });
  }

  /** Sources that gave bytes, and how many. */
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

  /** True while the path still names the file that is open here. */
  async intact(): Promise<boolean> {
    try {
      const [mine, there] = await Promise.all([this.#handle.stat(), stat(this.path)]);
      return (
        mine.ino === there.ino &&
        mine.dev === there.dev &&
        (this.size === undefined || there.size >= this.size)
      );
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return false;
      throw error;
    }
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

  /** Forgets the bytes of one source; the others stay. The part must be opened anew afterwards. */
  static async forget(file: DatasetFile, paths: Layout, source: string): Promise<void> {
    const content = await Journal.read(paths.journal(file.name), file);
    content.ranges = content.ranges.filter((range) => range.source !== source);
    content.validators.delete(source);
    const journal = await Journal.create(paths.journal(file.name), file, content);
    await journal.close();
  }

  /** Removes the part and its journal. The journal goes first: without it a part claims nothing. */
  static async discard(file: DatasetFile, paths: Layout): Promise<void> {
    await rm(paths.journal(file.name), { force: true });
    await rm(paths.part(file.name), { force: true });
  }

  /** Begins a part with a copy of another tool's partial download, which is left as it is. */
  static async adopt(file: DatasetFile, paths: Layout, from: string): Promise<void> {
    const path = paths.part(file.name);
    try {
      await mkdir(dirname(path), { recursive: true });
      await PartFile.discard(file, paths);
      await copyFile(from, path, constants.COPYFILE_FICLONE);
    } catch (error) {
      throw fsError(error, `copying ${from} to ${path}`);
    }
  }
}

/** Opens pcam's own file. A link or pipe that somebody put under its name goes: nothing else is ever written to. */
async function openOwn(path: string): Promise<FileHandle> {
  const { O_RDWR, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  for (let again = false; ; again = true) {
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o666);
      if ((await handle.stat()).isFile()) return handle;
    } catch (error) {
      await handle?.close();
      if (again || !['ELOOP', 'ENXIO'].includes(systemCode(error))) throw error;
    }
    await handle?.close();
    if (again) throw new PcamError('IO', `${path} is no file, and comes back when it is removed`);
    await rm(path, { force: true });
  }
}

/**
 * No journal of pcam claims more: every byte once, but for what a crash tore, in as many pieces as there were
 * requests at once. Without these bounds a made-up journal would have the part read without end.
 */
const MOST_CLAIMED = 3;
const MOST_PIECES = 4096;

async function checkRanges(
  handle: FileHandle,
  claimed: readonly JournalRange[],
  { signal, onCheck }: { signal?: AbortSignal; onCheck?: (bytes: number, of: number) => void },
): Promise<JournalRange[]> {
  const { size } = await handle.stat();
  let checked = 0;
  const of = claimed.reduce((sum, range) => sum + range.end - range.start, 0);
  const block = Buffer.allocUnsafe(BLOCK);
  const right: JournalRange[] = [];
  for (const range of claimed) {
    throwIfAborted(signal);
    if (range.end > size) continue;
    checked += range.end - range.start;
    if (checked > size * MOST_CLAIMED) break;
    if ((await crcOf(handle, range, block)) === range.crc) right.push(range);
    onCheck?.(checked, of);
  }
  return new RangeSet(right).ranges.length > MOST_PIECES ? [] : right;
}

async function crcOf(handle: FileHandle, { start, end }: ByteRange, block: Buffer): Promise<number> {
  let crc = 0;
  for (let at = start; at < end; ) {
    const { bytesRead } = await handle.read(block, 0, Math.min(block.length, end - at), at);
    if (bytesRead === 0) return -1;
    crc = crc32(block.subarray(0, bytesRead), crc);
    at += bytesRead;
  }
  return crc;
}
