/** A worker without a thread of its own, for work that takes less time than a thread does to start. */
import type { Serve, Served, Worker } from './types.js';

export class Inline<Data, In, Out> implements Worker<In, Out> {
  readonly #served: Served<In>;
  #onMessage: (message: Out) => void = () => {};

  constructor(serve: Serve<Data, In, Out>, data: Data) {
    // As between threads, nobody hears a message before the code that runs now is over.
    this.#served = serve(data, (message) => queueMicrotask(() => this.#onMessage(message)));
  }

  listen(onMessage: (message: Out) => void): void {
    this.#onMessage = onMessage;
  }

  tell(message: In): void {
    this.#served.hear(message);
  }

  async end(): Promise<void> {
    this.#onMessage = () => {};
    await this.#served.end();
  }
}
