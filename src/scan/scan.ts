/** Reads all patches of a split once, on all cores: digests, histograms, and which patches are of one colour. */
import { abortError, fromPlain } from '../core/index.js';
import { Inline, Thread, type Worker } from '../threads/index.js';
import { tableBytes } from './digest-table.js';
import { type FromScanner, serveScan } from './scanner.js';
import { type Histograms, type Scan, type ScanTask, SHA1_BYTES, sumOf } from './types.js';

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
    control: new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT),
  };
  let done = 0;
  const onPatches = (patches: number) => {
    done += patches;
    onProgress?.(done);
  };
  const begun = startWorkers(task, Math.min(workers, Math.ceil(count / WORTH_A_THREAD))).map((worker) => ({
    worker,
    result: resultOf(worker, onPatches),
  }));
  const stop = () => void Atomics.store(new Int32Array(task.control), 1, 1);
  signal.addEventListener('abort', stop, { once: true });
  try {
    if (signal.aborted) throw abortError(signal);
    const parts = await Promise.all(
      begun.map(({ result }) =>
        result.catch((error) => {
          stop();
          throw error;
        }),
      ),
    );
    if (signal.aborted) throw abortError(signal);
    const [sha1, uniform] = [new Uint8Array(task.sha1), new Uint8Array(task.uniform)];
    const histograms = {
      all: sumOf(parts.map(({ all }) => all)),
      unique: sumOf(parts.map(({ unique }) => unique)),
    };
    return { count, sha1, uniform, histograms };
  } finally {
    signal.removeEventListener('abort', stop);
    await Promise.all(begun.map(({ worker }) => worker.end()));
  }
}

function startWorkers(task: ScanTask, most: number): Worker<never, FromScanner>[] {
  if (task.count <= WORTH_A_THREAD) return [new Inline(serveScan, task)];
  return Array.from(
    { length: most },
    () => new Thread({ script: 'scan/scan-worker.js', data: task, name: `a thread that reads ${task.file}` }),
  );
}

function resultOf(
  worker: Worker<never, FromScanner>,
  onPatches: (patches: number) => void,
): Promise<Histograms> {
  const result = new Promise<Histograms>((resolve, reject) => {
    worker.listen((message) => {
      if (message.type === 'progress') onPatches(message.patches);
      else if (message.type === 'done') resolve(message.histograms);
      else reject(fromPlain(message.error));
    }, reject);
  });
  result.catch(() => {}); // handled by the caller, if it is still there
  return result;
}
