/** What a thread of `verify --deep` looks at: whether the files of one split hold what PCam has, and belong together. */
import { EXIT_CODES, localError, messageOf, PcamError } from '../core/index.js';
import {
  arrayOf,
  isUnbalanced,
  locate,
  type MetaTable,
  openImages,
  readLabels,
  readMeta,
} from '../dataset/index.js';
import type { Kind, Manifest, SplitName } from '../manifest/index.js';
import type { Job } from '../threads/index.js';

/** What a deep check has to say. */
export interface Finding {
  /** `error`: the data is not what PCam has. `warning`: worth a look. `info`: what was seen, or not there to see. */
  readonly level: 'info' | 'warning' | 'error';
  /**
   * `IMAGES`, `LABELS`, `BALANCE`, `ROWS`, `CENTER_TUMOR`, `SLIDES`, `SLIDE_OVERLAP`, `MISSING`, `CHECK_FAILED`, or the
   * code of the PcamError that reading ended with, such as `BAD_HDF5`.
   */
  readonly code: string;
  readonly message: string;
}

export interface SplitTask {
  readonly dir: string;
  readonly manifest: Manifest;
  readonly split: SplitName;
}

export interface SplitReport {
  readonly findings: readonly Finding[];
  /** The slides of the split, or `null` when its meta CSV could not be read. */
  readonly slides: readonly string[] | null;
}

export const deepJob: Job<SplitTask, SplitReport> = {
  name: 'deep',
  doing: ({ split }) => `checking the files of ${split}`,
  run: checkSplit,
};

type AddFinding = (level: Finding['level'], code: string, message: string) => void;

async function checkSplit(task: SplitTask): Promise<SplitReport> {
  const findings: Finding[] = [];
  const add: AddFinding = (level, code, message) =>
    findings.push({ level, code, message: `${task.split}: ${message}` });

  const patches = await readKind(task, 'images', add, countImages);
  const labels = await readKind(task, 'labels', add, () => readLabels(arrayOf({ ...task, kind: 'labels' })));
  const meta = await readKind(task, 'meta', add, (file) => readMeta({ file }));

  if (patches !== null) add('info', 'IMAGES', `${patches} patches, uint8, 96 x 96 px, RGB`);
  if (labels) add('info', 'LABELS', `${labels.length} labels, all 0 or 1`);
  if (meta) add('info', 'SLIDES', `${meta.rows} meta rows, ${meta.slides.length} slides`);
  const expected = patches ?? labels?.length;
  for (const [what, found] of [
    ['labels', labels?.length],
    ['meta rows', meta?.rows],
  ] as const) {
    if (expected === undefined || found === undefined || found === expected) continue;
    add('error', 'ROWS', `${expected} patches, but ${found} ${what}`);
  }
  if (labels) checkBalance(labels, add);
  if (labels && meta?.rows === labels.length) checkCentreTumor(labels, meta, add);
  return { findings, slides: meta?.slides ?? null };
}

/** Reads one kind of file; a file that cannot be read becomes a finding, and the other kinds are still read. */
async function readKind<T>(
  task: SplitTask,
  kind: Kind,
  add: AddFinding,
  read: (file: string, task: SplitTask) => Promise<T>,
): Promise<T | null> {
  const file = locate({ ...task, kind });
  if (!file?.present) {
    add('info', 'MISSING', `no ${kind} in the folder, so they were not looked at`);
    return null;
  }
  try {
    return await read(file.path, task);
  } catch (error) {
    // A disk that cannot be read, or what this process has run out of, says nothing about the data.
    const local = localError(error) ?? localError((error as Error | undefined)?.cause) ?? error;
    if (local instanceof PcamError && local.exitCode === EXIT_CODES.IO) throw local;
    add('error', error instanceof PcamError ? error.code : 'INTERNAL', messageOf(error));
    return null;
  }
}

async function countImages(_file: string, task: SplitTask): Promise<number> {
  const images = await openImages(arrayOf({ ...task, kind: 'images' }));
  try {
    const { count } = images;
    // A file can have a sound header and an end that is lost.
    for (const index of new Set([0, count >> 1, count - 1])) if (index >= 0) images.read(index, index + 1);
    return count;
  } finally {
    images.close();
  }
}

function checkBalance(labels: Uint8Array, add: AddFinding): void {
  const positive = labels.reduce((sum, label) => sum + label, 0);
  const share = ((100 * positive) / Math.max(1, labels.length)).toFixed(2);
  const text = `${positive} of ${labels.length} labels are 1 (${share} %)`;
  if (!isUnbalanced(positive, labels.length)) add('info', 'BALANCE', text);
  else add('warning', 'BALANCE', `${text}; PCam is within one percentage point of 50 % in every split`);
}

function checkCentreTumor(labels: Uint8Array, meta: MetaTable, add: AddFinding): void {
  const wrong = [...labels.keys()].filter((i) => (labels[i] === 1) !== meta.row(i).center_tumor_patch);
  if (wrong.length === 0) {
    add('info', 'CENTER_TUMOR', 'every label is what center_tumor_patch says');
    return;
  }
  const first = wrong.slice(0, 5).join(', ') + (wrong.length > 5 ? ', …' : '');
  const text = `${wrong.length} of ${labels.length} labels are not what center_tumor_patch says, at ${first}`;
  add('error', 'CENTER_TUMOR', text);
}
