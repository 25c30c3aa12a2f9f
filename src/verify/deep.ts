/** `verify --deep`: do the files of each split hold what PCam has, and do they belong together? */
import { EXIT_CODES, messageOf, PcamError, printable, throwIfAborted } from '../core/index.js';
import { type Manifest, SPLITS, type SplitName } from '../manifest/index.js';
import { Pool } from '../threads/index.js';
import { deepJob, type Finding, type SplitReport, type SplitTask } from './deep-job.js';

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

const DEFAULT_TIMEOUT = 600_000;

/**
 * Looks into the HDF5 and CSV files that are in the folder: shapes and types, labels 0 or 1, class balance,
 * rows = patches, label = center_tumor_patch, no slide in two splits. Each split has a thread of its own, so that a
 * hostile file ends as a finding and not as the end of the process.
 * @returns what was found, in the order of the splits; everything is right when no `level` is `error`
 * @throws PcamError ABORTED, or IO where this machine lacks what reading needs, such as memory or open files
 */
export async function deepCheck(options: DeepCheckOptions): Promise<Finding[]> {
  const { dir, manifest, splits = SPLITS, signal, timeout = DEFAULT_TIMEOUT } = options;
  const findings: Finding[] = [];
  const slides = new Map<SplitName, readonly string[]>();
  for (const split of SPLITS.filter((name) => splits.includes(name))) {
    const report = await checkSplit({ dir, manifest, split }, timeout, signal);
    findings.push(...report.findings);
    if (report.slides) slides.set(split, report.slides);
  }
  findings.push(...sharedSlides(slides));
  return findings;
}

/** A thread that dies or does not answer in time is a finding too. */
async function checkSplit(task: SplitTask, timeout: number, signal?: AbortSignal): Promise<SplitReport> {
  const tooLate = AbortSignal.timeout(timeout);
  const stop = signal ? AbortSignal.any([signal, tooLate]) : tooLate;
  try {
    return await new Pool(1).run(deepJob, task, { signal: stop });
  } catch (error) {
    throwIfAborted(signal);
    // A disk that cannot be read, or what this process has run out of, says nothing about the data.
    if (error instanceof PcamError && error.exitCode === EXIT_CODES.IO) throw error;
    const reason = tooLate.aborted ? `no result after ${timeout / 1000} s` : messageOf(error);
    const message = `${task.split}: the check could not be finished (${reason})`;
    return { findings: [{ level: 'error', code: 'CHECK_FAILED', message }], slides: null };
  }
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
