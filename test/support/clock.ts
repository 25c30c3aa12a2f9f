/** A clock that stands still until a test moves it. */
import { type Clock, systemClock } from '#pcam/core/clock.js';

export class TestClock implements Clock {
  #now = 0;
  #timers: { at: number; callback: () => void }[] = [];
  /** What the next `random()` gives. */
  chance = 0;

  now(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  random(): number {
    return this.chance;
  }

  /** How many timers wait. */
  get waiting(): number {
    return this.#timers.length;
  }

  /** ms until the next timer; 0 when there is none. */
  get untilNext(): number {
    if (this.#timers.length === 0) return 0;
    return Math.max(0, Math.min(...this.#timers.map(({ at }) => at)) - this.#now);
  }

  /** Moves on, calling back what comes due on the way; lets promises settle. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
      await settle();
    }
    this.#now = end;
    await settle();
  }
}

/** Lets everything that is ready to run, run. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The time of the system, so many times as fast: for what waits on purpose, against servers that do not. */
export function quickClock(times: number): Clock {
  return {
    now: () => systemClock.now() * times,
    after: (ms, callback) => systemClock.after(ms / times, callback),
    random: () => systemClock.random(),
  };
}
