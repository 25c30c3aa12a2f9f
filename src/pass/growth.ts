/** How far the input of a pass is there, while it grows. */
import type { ToPass } from './protocol.js';

export class Growth {
  #available = 0;
  #ended = false;
  #stopped: unknown;
  #wake: () => void = () => {};

  hear({ type, bytes }: ToPass): void {
    this.#available = Math.max(this.#available, bytes);
    if (type === 'end') this.#ended = true;
    this.#wake();
  }

  /** Whoever waits, or asks again, gets `reason`. */
  stop(reason: Error): void {
    this.#stopped = reason;
    this.#wake();
  }

  /** Resolves to what is there, once that is more than `position` or all. */
  async beyond(position: number): Promise<number> {
    while (this.#available <= position && !this.#ended && !this.#stopped) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#stopped) throw this.#stopped;
    return this.#available;
  }
}
