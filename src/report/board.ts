/** The tasks of a call as its events tell them: what is in progress, how fast, and all of it together. */
import type { PcamEvent, TaskState, Unit } from '../core/index.js';

/** Seconds over which a speed is averaged. */
const SPEED_WINDOW = 8;
/** Samples closer than this (s) are one. */
const SAMPLE_EVERY = 0.2;

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
  state?: TaskState;
  total?: number;
  /** It belongs to the plan. */
  planned: boolean;
  active: boolean;
  ended: boolean;
  readonly speed: Speed;
}

export class TaskBoard {
  readonly #now: () => number;
  readonly #tasks = new Map<string, Task>();
  readonly #speed: Speed;
  #unit: Unit = 'bytes';
  /** Units of the planned tasks that this run itself has done. */
  #moved = 0;

  /** @param now seconds */
  constructor(now: () => number) {
    this.#now = now;
    this.#speed = new Speed(now);
  }

  apply(event: PcamEvent): void {
    switch (event.type) {
      case 'plan':
        this.#unit = event.unit;
        // What was looked at before, such as files that an earlier run left, starts over.
        for (const { task, total } of event.tasks) {
          this.#tasks.set(task, { ...newTask(this.#now), total, planned: true });
        }
        break;
      case 'begin':
      case 'progress':
        this.#progress(event);
        break;
      case 'end': {
        const task = this.#task(event.task);
        this.#progress(event);
        task.active = false;
        task.ended = true;
        break;
      }
    }
  }

  /** What is in progress, in the order in which it began, with the units per second of each. */
  active(): { state: TaskState; speed: number }[] {
    return [...this.#tasks.values()]
      .filter((task) => task.active && task.state)
      .map(({ state, speed }) => ({ state: state!, speed: speed.perSecond }));
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

  #progress(state: TaskState): void {
    const task = this.#task(state.task);
    const before = task.state;
    const same = before !== undefined && task.active && before.step === state.step;
    if (!same) task.speed.clear();
    task.state = state;
    task.active = true;
    task.ended = false;
    task.speed.add(state.done);
    // What was there before is not fetched now, and the verification behind a transfer is no transfer.
    if (!task.planned || state.step === 'unpack') return;
    if (same) this.#moved += Math.max(0, state.done - before.done);
    this.#speed.add(this.#moved);
  }

  #task(name: string): Task {
    let task = this.#tasks.get(name);
    if (!task) {
      task = newTask(this.#now);
      this.#tasks.set(name, task);
    }
    return task;
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

  clear(): void {
    this.#samples = [];
  }

  add(units: number): void {
    const at = this.#now();
    const last = this.#samples.at(-1);
    if (last && this.#samples.length > 1 && at - last.at < SAMPLE_EVERY) last.units = units;
    else this.#samples.push({ at, units });
    while (this.#samples.length > 2 && at - this.#samples[0]!.at > SPEED_WINDOW) this.#samples.shift();
  }

  get perSecond(): number {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    const seconds = this.#now() - (first?.at ?? 0);
    if (!first || !last || seconds < 0.3) return 0;
    return Math.max(0, (last.units - first.units) / seconds);
  }
}
