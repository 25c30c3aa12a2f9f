/**
 * A partial download of which the disk never holds more than a window: its bytes go round in a file of fixed size, and
 * those that were read make room for new ones. For disks on which the archive and what comes out of it do not fit side
 * by side. There is no journal: what is interrupted starts again.
 */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { fsError, PcamError } from '../core/index.js';
import { openFile, writeAll } from '../fs/index.js';
import type { DatasetFile } from '../manifest/index.js';
import type { OwnedLayout } from './layout.js';
import type { OpenPart, Parts } from './part.js';
import { isSamePlace } from './part-file.js';
import { RangeSet } from './range-set.js';

/** Takes the place of a part store for one file. */
export class WindowStore implements Parts {
  readonly #paths: OwnedLayout;
  readonly #bytes: number;
  #last: PartWindow | undefined;

  /** @param bytes size of the window */
  constructor(paths: OwnedLayout, bytes: number) {
    this.#paths = paths;
    this.#bytes = bytes;
  }

  async open(file: DatasetFile): Promise<OpenPart> {
    const { workspace } = this.#paths;
    const path = workspace.path(`${file.name}.window`);
    try {
      await workspace.check();
      const flags = constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC;
      const handle = await openFile(path, { flags, follow: false });
      this.#last = new PartWindow({ path, handle, bytes: this.#bytes, size: file.bytes });
      return this.#last;
    } catch (error) {
      throw fsError(error, `opening the partial download ${path}`);
    }
  }

  async claimedBy(): Promise<Set<string>> {
    return new Set(this.#last?.contributions().keys());
  }

  /** The next part starts at the first byte anyway. */
  async forget(): Promise<void> {}

  async discard(): Promise<void> {}
}

interface WindowState {
  path: string;
  handle: FileHandle;
  bytes: number;
  size: number | undefined;
}

class PartWindow implements OpenPart {
  readonly path: string;
  readonly window: number;
  readonly done = new RangeSet();
  readonly resumed = 0;
  size: number | undefined;
  onWritten: () => void = () => {};

  readonly #handle: FileHandle;
  readonly #sources = new Map<string, number>();
  readonly #validators = new Map<string, string>();
  #read = 0;

  constructor({ path, handle, bytes, size }: WindowState) {
    this.path = path;
    this.window = bytes;
    this.size = size;
    this.#handle = handle;
  }

  get complete(): boolean {
    return this.size !== undefined && this.done.prefix === this.size;
  }

  hasRoom(end: number): boolean {
    return end <= this.#read + this.window;
  }

  release(position: number): void {
    this.#read = Math.max(this.#read, position);
  }

  async write(start: number, bytes: Uint8Array, source: string): Promise<void> {
    const end = start + bytes.length;
    if (!this.hasRoom(end))
      throw new PcamError('INTERNAL', `byte ${end} lies outside the window ${this.path}`);
    const at = start % this.window;
    const before = bytes.subarray(0, this.window - at);
    try {
      await writeAll(this.#handle, before, at);
      if (before.length < bytes.length) await writeAll(this.#handle, bytes.subarray(before.length), 0);
    } catch (error) {
      throw fsError(error, `writing the partial download ${this.path}`);
    }
    this.#sources.set(source, (this.#sources.get(source) ?? 0) + bytes.length);
    this.done.add({ start, end });
    this.onWritten();
  }

  async setSize(size: number): Promise<void> {
    this.size = size;
  }

  validatorOf(source: string): string | undefined {
    return this.#validators.get(source);
  }

  async setValidator(source: string, validator: string): Promise<void> {
    this.#validators.set(source, validator);
  }

  contributions(): Map<string, number> {
    return new Map(this.#sources);
  }

  /** Nothing here becomes a file of the data set, so there is nothing to flush. */
  async settle(): Promise<void> {}

  intact(): Promise<boolean> {
    return isSamePlace(this.#handle, this.path);
  }

  /** What was read is gone, so no one can tell. */
  async unchanged(): Promise<boolean> {
    return true;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
