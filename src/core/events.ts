/** The events that the library reports while it works: one union for all operations. Nothing else in it prints. */

/** What is counted. */
export type Unit = 'bytes' | 'patches' | 'resamples';

/** What is being done to a file or a split. */
export type Step =
  /** A file on the disk is read and digested. */
  | 'check'
  /** Bytes arrive from a source. */
  | 'fetch'
  /** All bytes are there, and their digests and decompression catch up. */
  | 'unpack'
  /** A file that is on this machine is taken over. */
  | 'import'
  /** Patches are written to shards. */
  | 'export'
  /** Patches are read and counted. */
  | 'scan'
  /** Patches of a synthetic split are drawn. */
  | 'draw'
  /** Metrics are measured on resamples of a split. */
  | 'resample';

/** How a task ended. */
export type Outcome = 'done' | 'downloaded' | 'resumed' | 'imported' | 'present' | 'failed';

/** A file or a split that a call works on. Several may be in progress at once; none has the name of another. */
export interface TaskState {
  /** Name of the file or split. */
  readonly task: string;
  readonly step: Step;
  readonly unit: Unit;
  /** How many units are done; it falls when wrong bytes are discarded. */
  readonly done: number;
  /** How many there are; absent while that is not known. */
  readonly total?: number;
  /** How many of `done` an earlier run had left: they say nothing about speed. */
  readonly resumed?: number;
}

export type PcamEvent =
  /** What a call is going to do, as far as it is known; tasks that are not listed may still begin. */
  | {
      readonly type: 'plan';
      readonly unit: Unit;
      readonly tasks: readonly { readonly task: string; readonly total?: number }[];
    }
  /** Each task begins, progresses, perhaps through several steps, and ends. */
  | ({ readonly type: 'begin' } & TaskState)
  | ({ readonly type: 'progress' } & TaskState)
  | ({
      readonly type: 'end';
      readonly outcome: Outcome;
      readonly seconds: number;
      /** Why it failed. */
      readonly message?: string;
    } & TaskState)
  /** A file of the output has its final name, or was found whole. */
  | {
      readonly type: 'output';
      readonly file: string;
      readonly status: 'written' | 'present';
      readonly bytes: number;
    }
  /** A source failed and is not asked for `ms`. */
  | {
      readonly type: 'pause';
      readonly file: string;
      readonly source: string;
      readonly reason: string;
      readonly ms: number;
    }
  /** A source failed and is not asked for this file again. */
  | { readonly type: 'drop'; readonly file: string; readonly source: string; readonly reason: string }
  /** Something was found wrong and is being repaired, or the call does less than its options say. */
  | {
      readonly type: 'notice';
      readonly file?: string;
      readonly message: string;
      /** The splits of the call, where some were left out. */
      readonly splits?: readonly string[];
    };

export type OnEvent = (event: PcamEvent) => void;

/** Reports one task: its beginning, its progress and its end, with the time that it took. */
export class TaskReporter {
  readonly #onEvent: OnEvent;
  readonly #now: () => number;
  readonly #began: number;
  #state: TaskState;

  /** @param now milliseconds, only ever forward */
  constructor(state: TaskState, onEvent: OnEvent = () => {}, now: () => number = () => performance.now()) {
    this.#onEvent = onEvent;
    this.#now = now;
    this.#began = now();
    this.#state = state;
    onEvent({ type: 'begin', ...state });
  }

  /** Fields that are not given stay as they are. */
  progress(change: Partial<Omit<TaskState, 'task' | 'unit'>>): void {
    this.#state = { ...this.#state, ...change };
    this.#onEvent({ type: 'progress', ...this.#state });
  }

  /** A task that did not fail has done all. */
  end({ outcome = 'done', message, ...change }: EndOfTask = {}): void {
    const seconds = (this.#now() - this.#began) / 1000;
    const state = { ...this.#state, ...change };
    const all = state.total ?? state.done;
    this.#state = outcome === 'failed' ? state : { ...state, done: all, total: all };
    this.#onEvent({
      type: 'end',
      ...this.#state,
      outcome,
      seconds,
      ...(message === undefined ? {} : { message }),
    });
  }
}

export interface EndOfTask {
  outcome?: Outcome;
  message?: string;
  done?: number;
  total?: number;
}
