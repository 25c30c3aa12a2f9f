/** What a pass takes and gives. */
import type { BigIntStats } from 'node:fs';
import { type ErrorFacts, factsOf, PcamError } from '../core/index.js';

export type DigestName = 'md5' | 'sha256';
export type Digests = Partial<Record<DigestName, string>>;

/** The strongest digest that is known of a file proves all: SHA-256 cannot be forged, and takes 0.4 of MD5's time. */
export function strongest({ sha256 }: { sha256?: string }): DigestName[] {
  return [sha256 === undefined ? 'md5' : 'sha256'];
}

/** A file of this size is read and digested in less time than a thread takes to start. */
export const MAX_INLINE_BYTES = 4 * 1024 * 1024;

export interface PassOutput {
  /** A temporary file, newly made. */
  readonly path: string;
  readonly decode: 'gunzip' | 'copy';
  readonly digests: readonly DigestName[];
  /** More decoded bytes are an error, and are not written. */
  readonly maxBytes: number;
}

/** Why what was read could not be decoded; the digests of the input are right all the same. */
export interface DecodeProblem {
  readonly reason: 'not-gzip' | 'damaged' | 'ends-early' | 'trailing-bytes' | 'too-large';
  readonly detail: string;
}

export type HandleStats = Pick<BigIntStats, 'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs'>;

/** What was digested, and what the file behind the handle was when that was done. */
export interface Digested {
  readonly bytes: number;
  readonly digests: Digests;
  readonly stats: HandleStats;
}

/** `changed`: another process wrote to the file between the first byte and the last. */
export type FileDigests = Digested & { readonly changed: boolean };

export interface PassResult {
  /** `stats` and `changed` only of an input file: bytes that are pushed have neither. */
  readonly input: Omit<FileDigests, 'stats'> & { readonly stats?: HandleStats };
  readonly output?: Digested;
  /** Set when there was an output and it could not be made. */
  readonly problem?: DecodeProblem;
}

/** BigIntStats loses its class on the way to another thread. */
export function statsOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): HandleStats {
  return { dev, ino, size, mtimeNs, ctimeNs };
}

/** Whether the file was written to between two looks at the same handle. */
export function isChanged(before: HandleStats, after: HandleStats): boolean {
  return before.size !== after.size || before.mtimeNs !== after.mtimeNs;
}

/** The input is not what it was: another process cut, removed or overwrote it while it was read. */
export class InputChanged extends PcamError {
  constructor(message: string, code: 'IO' | 'MISSING' = 'IO') {
    super(code, message, {
      hint: 'make sure that no other process writes to the folder, then run it again',
    });
  }
}

/** The result of a job that reads a file: InputChanged would lose its class between threads, and callers look for it. */
export type ReadOutcome<T> = { readonly result: T } | { readonly inputChanged: ErrorFacts };

export async function outcomeOf<T>(work: Promise<T>): Promise<ReadOutcome<T>> {
  try {
    return { result: await work };
  } catch (error) {
    if (error instanceof InputChanged) return { inputChanged: factsOf(error) };
    throw error;
  }
}

export function resultOf<T>(outcome: ReadOutcome<T>): T {
  if ('result' in outcome) return outcome.result;
  const { message, code } = outcome.inputChanged;
  throw new InputChanged(message, code === 'MISSING' ? 'MISSING' : 'IO');
}
