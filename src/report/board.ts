/** The tasks of a call as its events report them: which are in progress, how fast, and all of them together. */
import type { PcamEvent, TaskState, Unit } from '../core/index.js';

/** Seconds over which a speed is averaged. */
const SPEED_SECONDS = 8;
/** Samples closer than this (s) are merged. */
const MIN_SAMPLE_SECONDS = 0.2;
/** A speed over less time (s) would be a guess. */
const MIN_SPEED_SECONDS = 0.3;

export interface Overall {
  readonly unit: Unit;
  readonly tasks: number;
  readonly ended: number;
  readonly done: number;
  readonly total: number;
  /** Units per second. */
  readonly speed: number;
}

interface Task {
  /** The last state that was reported. */
  state?: TaskState;
  /** As the plan has it. */
  total?: number;
  planned: boolean;
  active: boolean;
  ended: boolean;
  readonly speed: Speed;
}

export class TaskBoard {
  readonly #now: () => number;
  readonly #tasks = new Map<string, Task>();
  #unit: Unit = 'bytes';
  /** Units of the planned tasks that this run itself has done, and how fast. */
  #done = 0;
  #speed: Speed;
  #fetching = false;

  /** @param now seconds */
  constructor(now: () => number) {
    this.#now = now;
    this.#speed = new Speed(now);
  }

  apply(event: PcamEvent): void {
    switch (event.type) {
      case 'plan':
        this.#unit = event.unit;
        // A task that was reported before, such as the check of a file that an earlier run left, starts over.
        for (const { task, total } of event.tasks) {
          this.#tasks.set(task, { ...newTask(this.#now), total, planned: true });
        }
        break;
      case 'begin':
        this.#begin(event);
        break;
      case 'progress':
        this.#progress(event);
        break;
      case 'end': {
        this.#progress(event);
        const task = this.#tasks.get(event.task)!;
        task.active = false;
        task.ended = true;
        break;
      }
    }
  }

  /** The tasks in progress, in the order in which they began, with the units per second of each. */
  active(): { state: TaskState; speed: number }[] {
    return [...this.#tasks.values()].flatMap(({ active, state, speed }) =>
      active && state ? [{ state, speed: speed.perSecond }] : [],
    );
  }

  /** All planned tasks together; undefined when there are fewer than two. */
  overall(): Overall | undefined {
    const planned = [...this.#tasks.values()].filter((task) => task.planned);
    if (planned.length < 2) return undefined;
    const totalOf = ({ state, total }: Task) => state?.total ?? total ?? state?.done ?? 0;
    const doneOf = (task: Task) =>
      task.ended || task.state?.step === 'unpack' ? totalOf(task) : (task.state?.done ?? 0);
    return {
      unit: this.#unit,
      tasks: planned.length,
      ended: planned.filter((task) => task.ended).length,
      done: planned.reduce((sum, task) => sum + doneOf(task), 0),
      total: planned.reduce((sum, task) => sum + totalOf(task), 0),
      speed: this.#speed.perSecond,
    };
  }

  #begin(state: TaskState): void {
    const task = this.#tasks.get(state.task) ?? newTask(this.#now);
    Object.assign(task, { state, active: true, ended: false });
    task.speed.clear();
    this.#tasks.set(state.task, task);
  }

  #progress(state: TaskState): void {
    if (!this.#tasks.get(state.task)?.active) this.#begin(state);
    const task = this.#tasks.get(state.task)!;
    const before = task.state!;
    // The first report of a step says how much an earlier run left: that is no speed.
    const first = before.step !== state.step || task.speed.empty;
    if (first) task.speed.clear();
    task.speed.add(state.done);
    task.state = state;
    // Neither is the verification behind a transfer, nor, once files are fetched, the check of what is there.
    if (!task.planned || state.step === 'unpack' || (state.step === 'check' && this.#fetching)) return;
    if (state.step === 'fetch' && !this.#fetching) {
      this.#fetching = true;
      this.#speed.clear();
    }
    if (!first) this.#done += Math.max(0, state.done - before.done);
    this.#speed.add(this.#done);
  }
}

function newTask(now: () => number): Task {
  return { planned: false, active: false, ended: false, speed: new Speed(now) };
}

/** Units per second over the last seconds. */
class Speed {
  readonly #now: () => number;
  #samples: { at: number; units: number }[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  get empty(): boolean {
    return this.#samples.length === 0;
  }

  clear(): void {
    this.#samples = [];
  }

  add(units: number): void {
    const at = this.#now();
    const last = this.#samples.at(-1);
    if (last && this.#samples.length > 1 && at - last.at < MIN_SAMPLE_SECONDS) last.units = units;
    else this.#samples.push({ at, units });
    while (this.#samples.length > 2 && at - this.#samples[0]!.at > SPEED_SECONDS) this.#samples.shift();
  }

  get perSecond(): number {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    const seconds = this.#now() - (first?.at ?? 0);
    if (!first || !last || seconds < MIN_SPEED_SECONDS) return 0;
    return Math.max(0, (last.units - first.units) / seconds);
  }
}
