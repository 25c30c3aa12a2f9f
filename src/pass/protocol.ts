/** What the main thread and a pass worker say to each other. */
export type DigestName = 'md5' | 'sha256';
export type Digests = Partial<Record<DigestName, string>>;

export interface PassOutput {
  /** A temporary file, made anew. */
  path: string;
  decode: 'gunzip' | 'copy';
  digests: DigestName[];
  /** Most bytes that may come out; more is an error, and is not written. */
  most: number;
}

export interface PassRequest {
  input: string;
  digests: DigestName[];
  output?: PassOutput;
}

export type ToWorker = { type: 'available'; bytes: number } | { type: 'end'; bytes: number };

/** Why what was read could not be decoded; the digests of the input are right all the same. */
export interface DecodeProblem {
  reason: 'not-gzip' | 'damaged' | 'ends-early' | 'trailing-bytes' | 'too-large';
  detail: string;
}

export interface PassResult {
  input: { bytes: number; digests: Digests };
  output?: { bytes: number; digests: Digests };
  /** Set when there was an output and it could not be made. */
  problem?: DecodeProblem;
}

export type FromWorker =
  | { type: 'progress'; read: number; written: number }
  | { type: 'done'; result: PassResult }
  /** The file system refused, or the input is shorter than was said. */
  | { type: 'failed'; code: string; message: string; doing: string };
