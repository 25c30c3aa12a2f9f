/** Digests of whole files, in as many threads as there are cores. */
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { type Job, Pool } from '../threads/index.js';
import { openInput, readInput } from './read.js';
import {
  type DigestName,
  type FileDigests,
  isChanged,
  MAX_INLINE_BYTES,
  outcomeOf,
  type ReadOutcome,
  resultOf,
  statsOf,
} from './types.js';

export interface DigestRequest {
  readonly path: string;
  /** How many bytes of the file to digest: its size. */
  readonly bytes: number;
  readonly digests: readonly DigestName[];
}

export interface DigestOptions extends DigestRequest {
  signal: AbortSignal;
  onProgress?: (read: number) => void;
}

const threads = new Pool(availableParallelism());

/**
 * @throws InputChanged when the file is cut or goes missing meanwhile; what the file system says; ABORTED
 */
export async function digestFile({ signal, onProgress, ...request }: DigestOptions): Promise<FileDigests> {
  const pool = request.bytes <= MAX_INLINE_BYTES ? new Pool(0) : threads;
  return resultOf(await pool.run(digestJob, request, { signal, onProgress }));
}

export const digestJob: Job<DigestRequest, ReadOutcome<FileDigests>, number> = {
  name: 'digest',
  doing: ({ path }) => `reading ${path}`,
  run: (request, { signal, report }) => outcomeOf(digest(request, signal, report)),
};

async function digest(
  { path, bytes, digests }: DigestRequest,
  signal: AbortSignal,
  report: (read: number) => void,
): Promise<FileDigests> {
  const handle = await openInput(path);
  try {
    const before = await handle.stat({ bigint: true });
    const hashes = digests.map((name) => [name, createHash(name)] as const);
    let read = 0;
    for await (const piece of readInput(handle, path, () => bytes)) {
      signal.throwIfAborted();
      for (const [, hash] of hashes) hash.update(piece);
      read += piece.length;
      report(read);
    }
    const after = await handle.stat({ bigint: true });
    return {
      bytes,
      digests: Object.fromEntries(hashes.map(([name, hash]) => [name, hash.digest('hex')])),
      stats: statsOf(after),
      changed: isChanged(before, after),
    };
  } finally {
    await handle.close();
  }
}
