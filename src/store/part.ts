/** What a part is to those who fill it and follow it, wherever its bytes are. */
import type { DatasetFile } from '../manifest/index.js';
import type { RangeSet } from './range-set.js';

/** A part while its bytes are fetched. */
export interface OpenPart {
  readonly path: string;
  readonly done: RangeSet;
  /** Size of the whole file, from the manifest or learned from a source. */
  readonly size: number | undefined;
  readonly complete: boolean;
  /** Bytes that an earlier run left and that passed the check. */
  readonly resumed: number;
  /** Set where the file at `path` has this size, and byte `n` of the part is its byte `n % window`. */
  readonly window?: number;
  /** Called when more bytes are there, in no particular order. */
  onWritten: () => void;
  /** False while a byte before `end` would take the place of one that was not yet read. */
  hasRoom(end: number): boolean;
  /** What lies before `position` was read, and will not be read again. */
  release(position: number): void;
  setSize(size: number): Promise<void>;
  /** `bytes` may be used again once this resolves. */
  write(start: number, bytes: Uint8Array, source: string): Promise<void>;
  /** The validator that this source's copy had when its bytes were taken. */
  validatorOf(source: string): string | undefined;
  setValidator(source: string, validator: string): Promise<void>;
  /** Sources that gave bytes, and how many. */
  contributions(): Map<string, number>;
  /** Flushes what is there. */
  settle(): Promise<unknown>;
  /** True while the path still names the file that is open here. */
  intact(): Promise<boolean>;
  /** True when what is on the disk is still what was written. */
  unchanged(signal?: AbortSignal): Promise<boolean>;
  close(): Promise<void>;
}

/** Where the parts of files come from. */
export interface Parts {
  open(file: DatasetFile, options?: OpenPartOptions): Promise<OpenPart>;
  /** Ids of the sources whose bytes are claimed to be there. */
  claimedBy(file: DatasetFile): Promise<Set<string>>;
  /** Forgets the bytes of one source. */
  forget(file: DatasetFile, source: string): Promise<void>;
  discard(file: DatasetFile): Promise<void>;
}

export interface OpenPartOptions {
  signal?: AbortSignal;
  onCheck?: (bytes: number, of: number) => void;
}
