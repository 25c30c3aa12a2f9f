/**
 * Explores two runs of the commit protocol: the first one is stopped before any of its steps, for so long that its lock
 * is stale; the second one comes, and is stopped before any of its own; the first one wakes up and ends, or is dead;
 * the second one goes on, or is dead; and in the end a third one comes. With `twice`, the first one is stopped once more,
 * before any step that it makes beside the second one, which then ends, or dies on its way, before the first one does.
 *
 * Every pair of steps is covered, and few are played. Two stops make no difference when the steps between them touch
 * nothing that the other run touches (partial-order reduction; Godefroid, LNCS 1032), and what a third run does depends
 * on the disk alone, so it is played once for each different disk.
 */
import { download, leftIn, VISIBLE, watcher } from './download.js';
import { MemoryDisk } from './memory-disk.js';
import { type Process, runAs } from './process.js';

const HOUR = 3_600_000;
const NEVER = Number.POSITIVE_INFINITY;

export interface Figures {
  /** Steps of the two runs, when nothing disturbs them. */
  steps: [number, number];
  /** Pairs of stops that are covered, and plays that were needed for it. */
  pairs: number;
  plays: number;
  /** Different disks that a third run has been tried on. */
  disks: number;
}

/** What a stretch of a run has looked at and changed. */
class Footprint {
  readonly looked = new Set<string>();
  readonly changed = new Set<string>();

  add(what: string, changes: boolean): void {
    (changes ? this.changed : this.looked).add(what);
    // What must hold is about several names at once: their changes have an order.
    if (changes && VISIBLE.test(what)) this.changed.add('visible');
  }

  /** Whether a step would make a difference before it rather than after it. */
  conflicts(what: string, changes: boolean): boolean {
    if (this.changed.has(what) || (changes && this.looked.has(what))) return true;
    return changes && VISIBLE.test(what) && this.changed.has('visible');
  }
}

/** A look at something, or a change of it, in a step. */
interface Touch {
  step: number;
  what: string;
  changes: boolean;
}

/** A run that can be stopped before its n-th step, and woken up or left there for good, as if it had been killed. */
class Actor implements Process {
  /** Steps that were begun. */
  steps = 0;
  stopAt = NEVER;
  onStep: () => void = () => {};
  onTouch: (what: string, changes: boolean) => void = () => {};
  #stop: () => void = () => {};
  #wake: () => void = () => {};
  readonly #ended: Promise<string>;

  constructor(
    readonly name: string,
    { bad, stopAt = NEVER }: { bad: boolean; stopAt?: number },
  ) {
    this.stopAt = stopAt;
    const stopped = this.#untilStopped();
    this.#ended = runAs(this, () => download({ bad })).then(
      () => 'done',
      (error) => (error.code === 'INTERNAL' ? String(error.stack) : String(error.code ?? error.stack)),
    );
    this.stopped = Promise.race([stopped, this.#ended]);
  }

  /** Resolves when it is stopped, or has ended. */
  stopped: Promise<unknown>;

  #untilStopped(): Promise<void> {
    return new Promise((resolve) => {
      this.#stop = resolve;
    });
  }

  beforeStep(): Promise<void> | undefined {
    this.onStep();
    if (this.steps++ !== this.stopAt) return undefined;
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#stop();
    return woken;
  }

  touch(what: string, changes: boolean): void {
    this.onTouch(what, changes);
  }

  /** Goes on until it is before its n-th step, or has ended. */
  async wakeUntil(stopAt: number): Promise<void> {
    this.stopAt = stopAt;
    this.stopped = Promise.race([this.#untilStopped(), this.#ended]);
    this.#wake();
    await this.stopped;
  }

  /** Goes on to its end. */
  wake(): Promise<string> {
    this.#wake();
    return this.#ended;
  }
}

export class Explorer {
  /** The disk that the next step is on. */
  disk = new MemoryDisk();
  readonly #bad: boolean;
  readonly #twice: boolean;
  readonly #thirds = new Map<string, { disk: MemoryDisk; after: string }>();
  readonly #figures: Figures = { steps: [0, 0], pairs: 0, plays: 0, disks: 0 };
  #wrong: string | undefined;
  /** Changes of the disk when it was last described. */
  #seen = -1;

  /**
   * @param bad whether the first source sends wrong bytes at first
   * @param twice whether the first run is stopped a second time
   */
  constructor(bad: boolean, { twice = false } = {}) {
    this.#bad = bad;
    this.#twice = twice;
  }

  /** @throws Error with the first schedule that goes wrong */
  async run(): Promise<Figures> {
    this.#newDisk();
    const alone = new Actor('1', { bad: this.#bad });
    await alone.wake();
    this.#figures.steps[0] = alone.steps;
    for (let first = 0; first < alone.steps; ) first = await this.#stopFirstAt(first);
    return this.#figures;
  }

  #newDisk(disk = new MemoryDisk()): void {
    this.disk = disk;
    this.#seen = -1;
    const look = watcher();
    disk.onChange = () => {
      this.#wrong ??= look(disk);
    };
  }

  /** @returns the next stop of the first run that could make a difference */
  async #stopFirstAt(first: number): Promise<number> {
    const { steps, footprint } = await this.#playSecond(first);
    this.#figures.steps[1] = Math.max(this.#figures.steps[1], steps);
    for (let second = 0; second <= steps; ) second = await this.#play(first, second);
    const next = await this.#nextStop(first, footprint);
    this.#figures.pairs += (next - first) * (steps + 1);
    return next;
  }

  /** The first run is dead, the second one comes and dies anywhere. */
  async #playSecond(first: number): Promise<{ steps: number; footprint: Footprint }> {
    const { second } = await this.#start(first, 0);
    const footprint = new Footprint();
    second.onTouch = (what, changes) => footprint.add(what, changes);
    second.onStep = () => this.#remember(`first dead at ${first}, second at ${second.steps}`);
    const outcome = await second.wake();
    this.#expect(outcome === 'done', `first dead at ${first}: second ${outcome}`);
    this.#remember(`first dead at ${first}, second done`);
    await this.#tryThirds();
    return { steps: second.steps, footprint };
  }

  async #start(firstAt: number, secondAt: number): Promise<{ first: Actor; second: Actor }> {
    this.#figures.plays++;
    this.#newDisk();
    const first = new Actor('1', { bad: this.#bad, stopAt: firstAt });
    await first.stopped;
    this.disk.pass(HOUR);
    const second = new Actor('2', { bad: false, stopAt: secondAt });
    await second.stopped;
    return { first, second };
  }

  /**
   * The first run wakes up when the second one is at a step, and ends. Then the second one goes on: as long as none of
   * its steps has to do with what the first one did, they might as well have come before.
   * @returns the next stop of the second one that could make a difference
   */
  async #play(firstAt: number, secondAt: number): Promise<number> {
    const { first, second } = await this.#start(firstAt, secondAt);
    const footprint = new Footprint();
    const ofWoken: Touch[] = [];
    first.onTouch = (what, changes) => {
      footprint.add(what, changes);
      ofWoken.push({ step: first.steps - 1, what, changes });
    };
    const ofFirst = await first.wake();
    const later = new Footprint();
    let conflict = NEVER;
    const remember = () => {
      const at = Math.max(secondAt, second.steps);
      if (conflict === NEVER)
        this.#remember(`first awake from ${firstAt} at ${secondAt}, second dead at ${at}`);
    };
    remember();
    second.onStep = remember;
    second.onTouch = (what, changes) => {
      later.add(what, changes);
      if (conflict === NEVER && footprint.conflicts(what, changes)) conflict = second.steps;
    };
    const ofSecond = await second.wake();
    this.#remember(`first awake from ${firstAt} at ${secondAt}, both done`);
    const what = `first stopped at ${firstAt}: ${ofFirst}; second stopped at ${secondAt}: ${ofSecond}`;
    this.#expect(['done', 'LOCKED'].includes(ofFirst) && ['done', 'LOCKED'].includes(ofSecond), what);
    await this.#tryThirds();
    // Stopped before a step that has nothing to do with what the second one does later, it might as well go on.
    const stops = new Set(
      ofWoken.filter((touch) => later.conflicts(touch.what, touch.changes)).map(({ step }) => step),
    );
    if (this.#twice) for (const again of stops) await this.#playTwice({ firstAt, secondAt, again });
    return conflict;
  }

  /** As `#play`, but the first run is stopped again, and ends after the second one. */
  async #playTwice({
    firstAt,
    secondAt,
    again,
  }: {
    firstAt: number;
    secondAt: number;
    again: number;
  }): Promise<void> {
    const { first, second } = await this.#start(firstAt, secondAt);
    await first.wakeUntil(again);
    const where = `first stopped at ${firstAt} and ${again}, second at ${secondAt}`;
    second.onStep = () => this.#remember(`${where} and dead at ${second.steps}`);
    const ofSecond = await second.wake();
    first.onStep = () => this.#remember(`${where}, and first dead at ${first.steps}`);
    const ofFirst = await first.wake();
    this.#remember(`${where}, both done`);
    const outcomes = [ofFirst, ofSecond];
    this.#expect(
      outcomes.every((outcome) => ['done', 'LOCKED'].includes(outcome)),
      `${where}: ${outcomes.join()}`,
    );
    await this.#tryThirds();
  }

  /** Steps of the first run that only look, and at nothing that the second one changes, make no difference. */
  async #nextStop(first: number, second: Footprint): Promise<number> {
    this.#newDisk();
    const actor = new Actor('1', { bad: this.#bad, stopAt: first });
    await actor.stopped;
    let next = NEVER;
    actor.onTouch = (what, changes) => {
      if (next === NEVER && (changes || second.conflicts(what, changes))) next = actor.steps;
    };
    await actor.wake();
    return Math.min(next, actor.steps);
  }

  /** Keeps the disk as it is now for a third run, unless there was an equal one. */
  #remember(after: string): void {
    if (this.disk.changes === this.#seen) return;
    this.#seen = this.disk.changes;
    const key = this.disk.describe();
    if (!this.#thirds.has(key)) this.#thirds.set(key, { disk: this.disk.copy(), after });
  }

  async #tryThirds(): Promise<void> {
    const tried = this.#figures.disks;
    for (const { disk, after } of [...this.#thirds.values()].slice(tried)) {
      this.#newDisk(disk);
      disk.pass(HOUR);
      const outcome = await new Actor('3', { bad: false }).wake();
      this.#expect(outcome === 'done', `${after}: third ${outcome}`);
      this.#expect(leftIn(disk).length === 0, `${after}: third left ${leftIn(disk).join()}`);
      this.#figures.disks++;
    }
  }

  #expect(holds: boolean, what: string): void {
    if (this.#wrong !== undefined) throw new Error(`${this.#wrong}: ${what}`);
    if (!holds) throw new Error(what);
  }
}
