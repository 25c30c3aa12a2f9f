/** A worker of an export: checks or writes one shard after the other, with an HDF5 handle of its own. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { PcamError, toPlain } from '../../core/index.js';
import { type ImageReader, openImages } from '../../dataset/index.js';
import { finalName, type SplitName } from '../../manifest/index.js';
import type { Serve } from '../../threads/index.js';
import { type ExportFormat, findFormat } from '../formats/index.js';
import { type FileRecord, ShardFiles } from '../output/index.js';
import type { FromExporter, Job, JobResult, WorkerSetup } from './protocol.js';
import { ShardCheck } from './shard-check.js';
import { PatchMemory, sourceOf } from './source.js';

export const serveExport: Serve<WorkerSetup, Job, FromExporter> = (setup, say) => {
  const worker = new ShardWorker(setup, say);
  return { hear: (job) => worker.take(job), end: () => worker.end() };
};

class ShardWorker {
  readonly #setup: WorkerSetup;
  readonly #say: (message: FromExporter) => void;
  readonly #format: ExportFormat;
  readonly #stop: Int32Array;
  readonly #check: ShardCheck;
  readonly #memory = new PatchMemory();
  #opened: { split: SplitName; images: ImageReader } | undefined;
  #working: Promise<unknown>;

  constructor(setup: WorkerSetup, say: (message: FromExporter) => void) {
    this.#setup = setup;
    this.#say = say;
    this.#format = findFormat(setup.recipe.format, setup.recipe.layout);
    this.#stop = new Int32Array(setup.stop);
    this.#check = new ShardCheck(setup.out, () => this.#stopIfAsked());
    // Opened at once, while the input is verified; the job that needs it says what is wrong.
    this.#working = this.#imagesOf(setup.firstSplit).catch(() => {});
  }

  take(job: Job): void {
    this.#working = this.#working.then(() => this.#answer(job));
  }

  async end(): Promise<void> {
    Atomics.store(this.#stop, 0, 1);
    await this.#working;
    this.#opened?.images.close();
  }

  async #answer(job: Job): Promise<void> {
    try {
      this.#say({ type: 'done', result: await this.#run(job) });
    } catch (error) {
      this.#say({ type: 'failed', error: toPlain(error, `exporting to ${this.#setup.out}`) });
    }
  }

  async #run(job: Job): Promise<JobResult> {
    const { task, known } = job;
    if (known && (await this.#check.areRight(known))) {
      this.#say({ type: 'progress', patches: task.end - task.start });
      return { status: 'present', records: known, loose: [], folder: '', written: new Map() };
    }
    return this.#write(job);
  }

  async #write({ task, facts, temporary, staged }: Job): Promise<JobResult> {
    const { recipe } = this.#setup;
    const folder = join(temporary, `${task.split}-${task.number}`);
    const files = new ShardFiles(folder);
    const fd = staged && openSync(staged.path, 'r');
    try {
      const source = sourceOf({
        ...{ images: await this.#imagesOf(task.split), facts, task, recipe },
        memory: this.#memory,
        stopIfAsked: () => this.#stopIfAsked(),
        staged: fd === undefined ? undefined : { fd, whole: staged!.whole },
        onPatches: (patches) => this.#say({ type: 'progress', patches }),
      });
      await this.#format.write({ task, recipe, source, output: files });
      const written = files.finish();
      const contents = { files: files.loosePaths.length, bytes: files.looseBytes };
      const records = written.map(({ file, bytes, sha256 }): FileRecord => {
        const side = task.files.find((planned) => planned.file === file)?.side ?? false;
        const [start, patches] = side ? [0, 0] : [task.start, task.end - task.start];
        const record = { file, split: task.split, side, start, patches, bytes, sha256 };
        return contents.files > 0 ? { ...record, contents } : record;
      });
      const identities = new Map(written.map(({ file, identity }) => [file, identity]));
      return { status: 'written', records, loose: files.loosePaths, folder, written: identities };
    } finally {
      files.abandon();
      if (fd !== undefined) closeSync(fd);
    }
  }

  /** Tasks come split by split, so one file is open at a time. */
  async #imagesOf(split: SplitName): Promise<ImageReader> {
    if (this.#opened?.split === split) return this.#opened.images;
    this.#opened?.images.close();
    this.#opened = undefined;
    // Not missing: the main thread has looked.
    const { dir, manifest } = this.#setup;
    const file = manifest.files.find(
      (candidate) => candidate.split === split && candidate.kind === 'images',
    )!;
    const { path = 'x', shape } = file.array ?? {};
    const images = await openImages({ file: join(dir, finalName(file)), path, shape });
    this.#opened = { split, images };
    return images;
  }

  #stopIfAsked(): void {
    if (Atomics.load(this.#stop, 0) !== 0) throw new PcamError('ABORTED', 'stopped');
  }
}
