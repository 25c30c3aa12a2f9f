/** What the main thread and a pass worker say to each other. */
import type { BigIntStats } from 'node:fs';
import type { PlainFailure } from './failure.js';

export type DigestName = 'md5' | 'sha256';
export type Digests = Partial<Record<DigestName, string>>;

/** The strongest digest that is known of a file proves all: SHA-256 cannot be forged, and takes 0.4 of MD5's time. */
export function strongest({ sha256 }: { sha256?: string }): DigestName[] {
  return [sha256 === undefined ? 'md5' : 'sha256'];
}

export interface PassOutput {
  /** A temporary file, newly made. */
  path: string;
  decode: 'gunzip' | 'copy';
  digests: DigestName[];
  /** Most bytes that may come out; more is an error, and is not written. */
  most: number;
}

export interface PassRequest {
  input: string;
  /** Set where the file has this size, and byte `n` of the input is its byte `n % window`. */
  window?: number;
  digests: DigestName[];
  output?: PassOutput;
}

export type ToPass = { type: 'available'; bytes: number } | { type: 'end'; bytes: number };

/** Why what was read could not be decoded; the digests of the input are right all the same. */
export interface DecodeProblem {
  reason: 'not-gzip' | 'damaged' | 'ends-early' | 'trailing-bytes' | 'too-large';
  detail: string;
}

export type HandleStats = Pick<BigIntStats, 'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs'>;

/** What was digested, and what the file behind the handle was when that was done. */
export interface Digested {
  bytes: number;
  digests: Digests;
  stats: HandleStats;
}

export interface PassResult {
  /** `changed`: another process wrote to it between the first byte and the last. */
  input: Digested & { changed: boolean };
  output?: Digested;
  /** Set when there was an output and it could not be made. */
  problem?: DecodeProblem;
}

export type FromPass =
  | { type: 'progress'; read: number; written: number }
  | { type: 'done'; result: PassResult }
  /** The file system refused, or the input is shorter than was said. */
  | { type: 'failed'; failure: PlainFailure };
