/** Both sides of a worker, wherever it runs. */
import type { PcamError } from '../core/index.js';

/** The side that does the work. It reports its own failures as messages, and never throws. */
export interface Served<In> {
  hear(message: In): void;
  /** Stops what is in progress, and resolves when nothing of it is left. */
  end(): Promise<void>;
}

/** Begins to work. `say` reaches whoever asked for it. */
export type Serve<Data, In, Out> = (data: Data, say: (message: Out) => void) => Served<In>;

/** The side that asks for the work. */
export interface Worker<In, Out> {
  /**
   * Takes messages from now on, and the death of the worker, also when it is dead already.
   * @param onDeath INTERNAL: it failed, ran out of memory, or ended without being asked to
   */
  listen(onMessage: (message: Out) => void, onDeath: (error: PcamError) => void): void;
  tell(message: In): void;
  /** Ends the worker, whatever it is doing; safe at any time. */
  end(): Promise<void>;
}
