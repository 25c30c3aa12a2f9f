/** One file of a run, from what the survey found to its line in the result. Never throws but for an abort. */
import {
  type ErrorFacts,
  factsOf,
  type Outcome,
  type Step,
  TaskReporter,
  throwIfAborted,
} from '../core/index.js';
import { sameFile, statFile } from '../fs/index.js';
import type { DatasetFile } from '../manifest/index.js';
import { IMPORTED } from '../store/index.js';
import { discardParts, fetchAnyForm } from './forms.js';
import { importFile } from './import.js';
import type { DownloadedFile } from './options.js';
import type { OwnedRun } from './run.js';
import type { Action } from './survey.js';

/** What is done first. */
const STEPS: Record<Action['kind'], Step> = {
  present: 'check',
  rename: 'check',
  blocked: 'check',
  import: 'import',
  adopt: 'check',
  fetch: 'fetch',
};

export class FileJob {
  readonly #run: OwnedRun;
  readonly #file: DatasetFile;
  #task!: TaskReporter;
  /** Bytes by source; a Map, for an id may be called `constructor`. */
  readonly #sources = new Map<string, number>();

  constructor(run: OwnedRun, file: DatasetFile) {
    this.#run = run;
    this.#file = file;
  }

  async run(action: Action): Promise<DownloadedFile> {
    throwIfAborted(this.#run.signal);
    const { emit, clock } = this.#run;
    const { name, bytes } = this.#file;
    const begin = { task: name, step: STEPS[action.kind], unit: 'bytes', done: 0, total: bytes } as const;
    this.#task = new TaskReporter(begin, emit, () => clock.now());
    try {
      return await this.#obtain(action);
    } catch (error) {
      throwIfAborted(this.#run.signal);
      const failure = withAdvice(this.#run, this.#file, factsOf(error));
      return { ...this.#line('failed', this.#file.bytes ?? 0, failure.message), error: failure };
    }
  }

  async #obtain(action: Action): Promise<DownloadedFile> {
    switch (action.kind) {
      case 'present':
        if (action.stale !== undefined) await this.#removeStale(action.stale);
        await this.#sweep();
        return this.#line('present', this.#file.bytes ?? action.bytes);
      case 'rename':
        return this.#renamed(action);
      case 'import':
        if (!(await importFile(this.#run, this.#file, action, this.#task))) {
          const message = `${action.path} changed during the import; fetching the file instead`;
          this.#run.emit({ type: 'notice', file: this.#file.name, message });
          return this.#fetch();
        }
        await this.#sweep();
        return this.#line('imported', this.#file.bytes ?? action.bytes);
      case 'adopt':
        await this.#adopt(action);
        return this.#fetch();
      case 'fetch':
        return this.#fetch();
      case 'blocked':
        throw action.error;
    }
  }

  /** The file is here; a part of it is left of a run that was killed, and may be gigabytes. */
  async #sweep(): Promise<void> {
    await discardParts(this.#run, this.#file).catch(() => {});
  }

  async #removeStale(path: string): Promise<void> {
    await this.#run.paths.workspace.remove(path);
    const message = `${path} was damaged, and is not needed beside the decompressed file: removed`;
    this.#run.emit({ type: 'notice', file: this.#file.name, message });
  }

  async #renamed({ to, found }: Extract<Action, { kind: 'rename' }>): Promise<DownloadedFile> {
    await this.#sweep();
    const stats = await statFile(this.#run.paths.final(to.name));
    if (stats && sameFile(stats, found.stats)) await this.#run.receipts.record(to.name, stats, found.digests);
    return this.#line('imported', this.#file.bytes ?? Number(stats?.size ?? 0));
  }

  /** The beginning of the archive, as another tool left it, becomes the beginning of our part. */
  async #adopt({ path, bytes, own }: Extract<Action, { kind: 'adopt' }>): Promise<void> {
    const { parts, signal } = this.#run;
    await parts.adopt(this.#file, path);
    const part = await parts.open(this.#file, { signal });
    try {
      await part.claim(bytes, IMPORTED, signal);
    } finally {
      await part.close();
    }
    if (own) await this.#run.paths.workspace.remove(path);
  }

  async #fetch(): Promise<DownloadedFile> {
    const { bytes, resumed } = await fetchAnyForm(this.#run, this.#file, {
      task: this.#task,
      onReceived: (source, received) => {
        this.#sources.set(source, (this.#sources.get(source) ?? 0) + received);
      },
    });
    return this.#line(resumed > 0 ? 'resumed' : 'downloaded', bytes);
  }

  #line(status: Exclude<Outcome, 'done'>, bytes: number, message?: string): DownloadedFile {
    const { name } = this.#file;
    const transferred = [...this.#sources.values()].reduce((a, b) => a + b, 0);
    const end = status === 'failed' ? {} : { done: bytes, total: bytes };
    this.#task.end({ outcome: status, message, ...end });
    const streamed = this.#run.windowed.has(this.#file) ? { streamed: true as const } : {};
    return { name, status, bytes, transferred, sources: Object.fromEntries(this.#sources), ...streamed };
  }
}

/** A quota that shows only when it is used up: what would have needed less. */
function withAdvice(run: OwnedRun, file: DatasetFile, facts: ErrorFacts): ErrorFacts {
  if (facts.code !== 'DISK_FULL') return facts;
  if (run.windowed.has(file)) {
    return {
      ...facts,
      hint: 'make room or choose another folder, then run it again: this file starts again',
    };
  }
  if (!run.extract || run.keepArchives || !file.extracted) return facts;
  const hint = `${facts.hint}. Unpacking archives while they arrive needs less room`;
  return { ...facts, hint, options: ['stream'] };
}
