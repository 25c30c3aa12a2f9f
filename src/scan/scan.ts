/** Reads all patches of a split once, on all cores: digests, histograms, and which patches are of one colour. */
import { Pool, runTogether } from '../threads/index.js';
import { tableBytes } from './digest-table.js';
import { scanJob } from './scanner.js';
import { type Scan, type ScanTask, SHA1_BYTES, sumOf } from './types.js';

/** Starting a thread takes as long as reading so many patches. */
const WORTH_A_THREAD = 1024;

export interface ScanRequest {
  /** The HDF5 file, the path of the array in it, and the shape that the manifest gives. */
  file: string;
  path: string;
  shape?: readonly number[];
  /** Number of patches in it. */
  count: number;
  /** Most threads. */
  workers: number;
  signal: AbortSignal;
  onProgress?: (patches: number) => void;
}

/**
 * Some 30 bytes per patch are held, and 10 MB per thread.
 * @throws PcamError BAD_HDF5, MISSING, NO_PERMISSION, IO; ABORTED
 */
export async function scanImages(request: ScanRequest): Promise<Scan> {
  const { file, path, shape, count, workers, signal, onProgress } = request;
  const task: ScanTask = {
    ...{ file, path, shape, count },
    sha1: new SharedArrayBuffer(count * SHA1_BYTES),
    uniform: new SharedArrayBuffer(count),
    table: new SharedArrayBuffer(tableBytes(count)),
    next: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
  };
  let done = 0;
  const onPatches = (patches: number) => {
    done += patches;
    onProgress?.(done);
  };
  const threads = count <= WORTH_A_THREAD ? 0 : Math.min(workers, Math.ceil(count / WORTH_A_THREAD));
  const pool = new Pool(threads);
  const parts = await runTogether(signal, (signal) =>
    Array.from({ length: Math.max(1, threads) }, () =>
      pool.run(scanJob, task, { signal, onProgress: onPatches }),
    ),
  );
  return {
    count,
    sha1: new Uint8Array(task.sha1),
    uniform: new Uint8Array(task.uniform),
    histograms: {
      all: sumOf(parts.map(({ all }) => all)),
      unique: sumOf(parts.map(({ unique }) => unique)),
    },
  };
}
