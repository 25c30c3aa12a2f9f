/** The progress of an export: one task per split, from its first patch to its last. */
import { type OnEvent, TaskReporter } from '../core/index.js';
import type { SplitName } from '../manifest/index.js';
import type { ShardJob } from './workers/index.js';

/** The splits of an export as tasks: each begins with its first patch. */
export class SplitProgress {
  readonly #onEvent: OnEvent | undefined;
  readonly #totals = new Map<SplitName, number>();
  readonly #started = new Map<SplitName, { reporter: TaskReporter; done: number; total: number }>();

  constructor(jobs: readonly ShardJob[], onEvent: OnEvent | undefined) {
    this.#onEvent = onEvent;
    for (const { task } of jobs) {
      this.#totals.set(task.split, (this.#totals.get(task.split) ?? 0) + task.end - task.start);
    }
    const tasks = [...this.#totals].map(([task, total]) => ({ task, total }));
    onEvent?.({ type: 'plan', unit: 'patches', tasks });
  }

  add(split: SplitName, patches: number): void {
    const total = this.#totals.get(split)!;
    let state = this.#started.get(split);
    if (!state) {
      const start = { task: split, step: 'export', unit: 'patches', done: 0, total } as const;
      state = { reporter: new TaskReporter(start, this.#onEvent), done: 0, total };
      this.#started.set(split, state);
    }
    state.done += patches;
    state.reporter.progress({ done: state.done });
    if (state.done === total) this.#end(split);
  }

  /** Ends what an error left unfinished. */
  end(): void {
    for (const split of [...this.#started.keys()]) this.#end(split);
  }

  #end(split: SplitName): void {
    const { reporter, done, total } = this.#started.get(split)!;
    this.#started.delete(split);
    reporter.end({ outcome: done === total ? 'done' : 'failed' });
  }
}
