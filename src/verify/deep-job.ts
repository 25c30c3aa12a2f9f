/** The thread that looks into the files of one split after the other for `verify --deep`. */
import { localError, messageOf, PcamError } from '../core/index.js';
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
import type { Finding } from './finding.js';

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

class SplitCheck {
  readonly findings: Finding[] = [];
  readonly #task: SplitTask;

  constructor(task: SplitTask) {
    this.#task = task;
  }

  async run(): Promise<SplitReport> {
    const images = await this.#reading('images', () => this.#images());
    const labels = await this.#reading('labels', () => this.#labels());
    const meta = await this.#reading('meta', () => this.#meta());
    if (images !== null && labels)
      this.#sameNumber({ patches: images, others: labels.length, what: 'labels' });
    if (labels) this.#balance(labels);
    const patches = images ?? labels?.length;
    if (meta && patches !== undefined) this.#sameNumber({ patches, others: meta.rows, what: 'meta rows' });
    if (meta && labels && meta.rows === labels.length) this.#centreTumor(labels, meta);
    return { findings: this.findings, slides: meta?.slides ?? null };
  }

  /** Reads one kind of file; what it cannot read becomes a finding, and the other kinds are still looked at. */
  async #reading<T>(kind: Kind, read: () => Promise<T>): Promise<T | null> {
    const file = locate({ ...this.#task, kind });
    if (!file?.present) {
      this.#add('info', 'MISSING', `no ${kind} in the folder, so they were not looked at`);
      return null;
    }
    try {
      return await read();
    } catch (error) {
      // What this process has run out of says nothing about the data.
      const local = localError(error) ?? localError((error as Error | undefined)?.cause);
      if (local) throw local;
      this.#add('error', error instanceof PcamError ? error.code : 'INTERNAL', messageOf(error));
      return null;
    }
  }

  async #images(): Promise<number> {
    const images = await openImages(arrayOf({ ...this.#task, kind: 'images' }));
    try {
      const { count } = images;
      // A file can have a sound header and an end that is lost.
      for (const index of new Set([0, count >> 1, count - 1])) if (index >= 0) images.read(index, index + 1);
      this.#add('info', 'IMAGES', `${count} patches, uint8, 96 x 96 px, RGB`);
      return count;
    } finally {
      images.close();
    }
  }

  async #labels(): Promise<Uint8Array> {
    const { file, path } = arrayOf({ ...this.#task, kind: 'labels' });
    const labels = await readLabels({ file, path });
    this.#add('info', 'LABELS', `${labels.length} labels, all 0 or 1`);
    return labels;
  }

  async #meta(): Promise<MetaTable> {
    const meta = await readMeta({ file: locate({ ...this.#task, kind: 'meta' })!.path });
    this.#add('info', 'SLIDES', `${meta.rows} meta rows, ${meta.slides.length} slides`);
    return meta;
  }

  #balance(labels: Uint8Array): void {
    const positive = labels.reduce((sum, label) => sum + label, 0);
    const share = ((100 * positive) / Math.max(1, labels.length)).toFixed(2);
    const text = `${positive} of ${labels.length} labels are 1 (${share} %)`;
    if (!isUnbalanced(positive, labels.length)) this.#add('info', 'BALANCE', text);
    else
      this.#add('warning', 'BALANCE', `${text}; PCam is within one percentage point of 50 % in every split`);
  }

  #sameNumber({ patches, others, what }: { patches: number; others: number; what: string }): void {
    if (patches !== others) this.#add('error', 'ROWS', `${patches} patches, but ${others} ${what}`);
  }

  #centreTumor(labels: Uint8Array, meta: MetaTable): void {
    const wrong: number[] = [];
    for (let i = 0; i < labels.length; i++) {
      if ((labels[i] === 1) !== meta.row(i).center_tumor_patch) wrong.push(i);
    }
    if (wrong.length === 0) {
      this.#add('info', 'CENTER_TUMOR', 'every label is what center_tumor_patch says');
      return;
    }
    const first = wrong.slice(0, 5).join(', ');
    const text = `${wrong.length} of ${labels.length} labels are not what center_tumor_patch says, at ${first}`;
    this.#add('error', 'CENTER_TUMOR', wrong.length > 5 ? `${text}, …` : text);
  }

  #add(level: Finding['level'], code: string, message: string): void {
    this.findings.push({ level, code, message: `${this.#task.split}: ${message}` });
  }
}

export const deepJob: Job<SplitTask, SplitReport> = {
  name: 'deep',
  doing: ({ split }) => `checking the files of ${split}`,
  run: (task) => new SplitCheck(task).run(),
};
