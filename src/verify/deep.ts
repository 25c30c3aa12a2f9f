/** `verify --deep`: do the files of each split hold what PCam has, and do they belong together? */
import { abortError, printable, throwIfAborted } from '../core/index.js';
import { type Manifest, SPLITS, type SplitName } from '../manifest/index.js';
import { Thread } from '../threads/index.js';
import type { SplitReport, SplitTask } from './deep-worker.js';
import type { Finding } from './finding.js';

export type { Finding } from './finding.js';

export interface DeepCheckOptions {
  /** The data set folder. */
  dir: string;
  manifest: Manifest;
  /** @default the three of them */
  splits?: readonly SplitName[];
  signal?: AbortSignal;
  /** Longest that one split may take (ms). @default 10 minutes */
  timeout?: number;
}

/** A label and a meta row of every patch fit into a tenth of this. */
const WORKER_MEMORY_MB = 512;
const DEFAULT_TIMEOUT = 600_000;

/**
 * Looks into the HDF5 and CSV files that are in the folder: shapes and types, labels 0 or 1, class balance,
 * rows = patches, label = center_tumor_patch, no slide in two splits. They are read in a worker thread, so that a
 * hostile file ends as a finding and not as the end of the process; the other splits are then read in another one.
 * @returns what was found, in the order of the splits; everything is right when no `level` is `error`
 * @throws PcamError ABORTED, or IO where this machine lacks what reading needs, such as memory or open files
 */
export async function deepCheck(options: DeepCheckOptions): Promise<Finding[]> {
  const { dir, manifest, splits = SPLITS, signal, timeout = DEFAULT_TIMEOUT } = options;
  const findings: Finding[] = [];
  const slides = new Map<SplitName, readonly string[]>();
  let thread: DeepThread | undefined;
  try {
    for (const split of SPLITS.filter((name) => splits.includes(name))) {
      throwIfAborted(signal);
      thread ??= startThread();
      const report = await checkSplit({ thread, task: { dir, manifest, split }, signal, timeout });
      findings.push(...report.findings);
      if (report.slides) slides.set(split, report.slides);
      if (!report.failed) continue;
      await thread.end();
      thread = undefined;
    }
  } finally {
    await thread?.end();
  }
  findings.push(...sharedSlides(slides));
  return findings;
}

type DeepThread = Thread<SplitTask, SplitReport>;

function startThread(): DeepThread {
  return new Thread({
    script: 'verify/deep-worker.js',
    name: 'the thread that looks into the files',
    heap: { oldMB: WORKER_MEMORY_MB },
    // Whatever a library prints about a bad file is not for the user.
    silent: true,
  });
}

interface CheckRequest {
  thread: DeepThread;
  task: SplitTask;
  signal: AbortSignal | undefined;
  timeout: number;
}

/** `failed`: the thread is dead, or did not answer in time. */
async function checkSplit({
  thread,
  task,
  signal,
  timeout,
}: CheckRequest): Promise<SplitReport & { failed?: true }> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  try {
    return await new Promise((resolve, reject) => {
      const fail = (reason: string) => resolve({ ...failedReport(task.split, reason), failed: true });
      thread.listen(resolve, (error) => (error.code === 'IO' ? reject(error) : fail(error.message)));
      timer = setTimeout(() => fail(`no result after ${timeout / 1000} s`), timeout);
      onAbort = () => reject(abortError(signal!));
      signal?.addEventListener('abort', onAbort, { once: true });
      thread.tell(task);
    });
  } finally {
    clearTimeout(timer);
    if (onAbort) signal?.removeEventListener('abort', onAbort);
  }
}

function failedReport(split: SplitName, reason: string): SplitReport {
  const message = `${split}: the check could not be finished (${reason})`;
  return { findings: [{ level: 'error', code: 'CHECK_FAILED', message }], slides: null };
}

/** Patches of one slide look alike, so a slide in two splits makes every test result too good. */
function sharedSlides(slides: ReadonlyMap<SplitName, readonly string[]>): Finding[] {
  const findings: Finding[] = [];
  const splits = [...slides.keys()];
  for (const [i, one] of splits.entries()) {
    for (const other of splits.slice(i + 1)) {
      const known = new Set(slides.get(one));
      const shared = slides.get(other)!.filter((slide) => known.has(slide));
      if (shared.length === 0) continue;
      const some = printable(shared.slice(0, 5).join(', '), 500);
      const message = `${one} and ${other} share ${shared.length} of their slides: ${some}${shared.length > 5 ? ', …' : ''}`;
      findings.push({ level: 'error', code: 'SLIDE_OVERLAP', message });
    }
  }
  if (splits.length > 1 && findings.length === 0) {
    findings.push({ level: 'info', code: 'SLIDES', message: `no slide is in two of ${splits.join(', ')}` });
  }
  return findings;
}
